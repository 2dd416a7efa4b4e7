"""What DuckDB reads of a lake on object storage: objects that this process holds after their first reading.

DuckDB opens a file several times a query, and a run of all SQL models asks the same tables again and again. Through
the storage's own file system each opening is a request for the size, one for the time and one or more for the bytes,
one after the other. Here a query costs a listing of each table that it reads, and what is new or changed is fetched
many at a time.
"""

import io
import re
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import IO, Any, Final, cast

from fsspec import AbstractFileSystem
from fsspec.utils import glob_translate
from upath import UPath

from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake.objects import LakeError, mark_of, storage_errors

_HELD_BYTES: Final = 512 << 20
_AT_ONCE: Final = 128
_WHOLE_BYTES: Final = 32 << 20
"""Larger objects are read in parts, and not held."""
_WILD: Final = re.compile(r"[*?\[]")


class HeldObjects:
    """Contents of objects by name and mark, up to a number of bytes; those not used for longest go first.

    Args:
        max_bytes: of all contents together.
    """

    def __init__(self, max_bytes: int = _HELD_BYTES) -> None:
        self._max_bytes = max_bytes
        self._contents: OrderedDict[tuple[str, str], bytes] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def max_bytes(self) -> int:
        """How much is held at most."""
        return self._max_bytes

    def has(self, name: str, mark: str) -> bool:
        """The content is held."""
        with self._lock:
            return (name, mark) in self._contents

    def get(self, name: str, mark: str) -> bytes | None:
        """The content that the object had when its mark was `mark`; None where it is not held."""
        with self._lock:
            if (name, mark) in self._contents:
                self._contents.move_to_end((name, mark))
            return self._contents.get((name, mark))

    def put(self, name: str, mark: str, content: bytes) -> None:
        """Hold a content."""
        if len(content) > self._max_bytes:
            return
        with self._lock:
            self._bytes += len(content) - len(self._contents.pop((name, mark), b""))
            self._contents[name, mark] = content
            while self._bytes > self._max_bytes:
                _, dropped = self._contents.popitem(last=False)
                self._bytes -= len(dropped)


@cache
def held_by_process() -> HeldObjects:
    """What all connections of this process share."""
    return HeldObjects()


class HeldFileSystem(AbstractFileSystem):  # type: ignore[misc]
    """A file system for DuckDB over a lake's objects: read only, one listing a pattern, each content fetched once.

    Args:
        root: the lake.
        held: where contents are kept.
        frozen: the lake stays as it is now, whatever is written meanwhile.
    """

    cachable = False

    def __init__(self, root: UPath, held: HeldObjects | None = None, *, frozen: bool = False) -> None:
        super().__init__()
        self.protocol = root.fs.protocol
        self._storage = root.fs
        self._root = root
        self._held = held or held_by_process()
        self._known: dict[str, _Listed] = {}
        self._frozen = self._under(root.path) if frozen else None

    def glob(self, path: str, **_: Any) -> list[str]:
        """Names of the objects that match, from one listing; what of them is not held is fetched, if it can be held.

        Raises:
            LakeError: the storage cannot be listed or read.
        """
        pattern = self._name(path)
        matches = re.compile(glob_translate(pattern)).match
        folder = _WILD.split(pattern, maxsplit=1)[0].rpartition("/")[0]
        listed = self._under(folder) if self._frozen is None else self._frozen
        found = {name: each for name, each in listed.items() if matches(name)}
        self._known |= found
        missing = [name for name, each in found.items() if each.is_fetched and not self._held.has(name, each.mark)]
        if sum(found[name].size for name in missing) <= self._held.max_bytes // 2:
            for start in range(0, len(missing), _AT_ONCE):
                self._fetch(missing[start : start + _AT_ONCE])
        return sorted(found)

    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Name, size and kind of an object that a pattern has found.

        Raises:
            FileNotFoundError: none has.
        """
        name = self._name(path)
        return {"name": name, "size": self._listed(name).size, "type": "file"}

    def modified(self, path: str) -> datetime:
        """A time of its own for each version of the object: DuckDB tells them apart by it, and S3 counts seconds."""
        return datetime.fromtimestamp(int(stable_hash(self._listed(self._name(path)).mark)[:7], 16), UTC)

    def open(self, path: str, mode: str = "rb", **_: Any) -> IO[bytes]:
        """The object's content, as it was when a pattern found it.

        Raises:
            FileNotFoundError: none has.
            PermissionError: it is not opened for reading.
            LakeError: the storage cannot be read.
        """
        if mode != "rb":
            raise PermissionError(f"{path}: SQL only reads a lake")
        name = self._name(path)
        listed = self._listed(name)
        if not listed.is_fetched:
            with storage_errors(self._root):
                return cast(IO[bytes], self._storage.open(name, "rb"))
        content = self._held.get(name, listed.mark)
        return io.BytesIO(self._fetch([name])[0] if content is None else content)

    def _name(self, path: str) -> str:
        return str(self._storage._strip_protocol(path))

    def _listed(self, name: str) -> "_Listed":
        try:
            return self._known[name]
        except KeyError as error:
            raise FileNotFoundError(name) from error

    def _under(self, folder: str) -> dict[str, "_Listed"]:
        with storage_errors(self._root, "listed"):
            try:
                found = self._storage.find(folder.rstrip("/") + "/", detail=True)
            except FileNotFoundError:
                return {}
        return {name: _Listed(mark_of(info), int(info["size"])) for name, info in found.items()}

    def _fetch(self, names: Sequence[str]) -> list[bytes]:
        """Fetch objects, many at a time, and hold them. One that was replaced since is known as it is now."""
        with storage_errors(self._root):  # with a start, the storage is not asked for the size before
            found: list[bytes | Exception] = self._storage.cat_ranges(list(names), 0, None, on_error="return")
        contents = []
        for name, content in zip(names, found, strict=True):
            if isinstance(content, Exception):
                raise LakeError(f"{name} cannot be read: {content}. Run again.") from content
            listed = self._known[name]
            if len(content) != listed.size:
                listed = self._known[name] = _Listed(f"{listed.mark} {len(content)}", len(content))
            self._held.put(name, listed.mark, content)
            contents.append(content)
        return contents


@dataclass(frozen=True)
class _Listed:
    """An object as a listing has it."""

    mark: str
    size: int

    @property
    def is_fetched(self) -> bool:
        """It is fetched whole, when it is first needed."""
        return 0 < self.size <= _WHOLE_BYTES
