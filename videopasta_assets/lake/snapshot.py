"""A lake on object storage as it is at one moment: who asks about every shard, lists and fetches once.

A plan over a thousand shards looks at ten objects of each. One by one that would be ten thousand requests in a row; in
a snapshot it is a listing, and small reads that go on many at a time.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from upath import UPath

from videopasta_assets.lake.objects import SNAPSHOT, LakeError, listed_objects, storage_errors

_AT_ONCE: Final = 128
_TAIL_BYTES: Final = 16 << 10
_LENGTH_BYTES: Final = 8
"""A Parquet file ends with its footer's length and a magic word."""


class Snapshot:
    """Names and small contents of a lake's objects.

    Args:
        root: the lake.
        tails: how the names end of Parquet files, whose footers are fetched.
        whole: folders whose objects are fetched whole.

    Raises:
        LakeError: the storage cannot be read.
    """

    def __init__(self, root: UPath, tails: str, whole: Sequence[str]) -> None:
        self._root = root
        self._marks = listed_objects(root)
        self._names = sorted(self._marks)
        self._contents: dict[str, bytes] = {}
        self._tails: dict[str, bytes] = {}
        footers = [name for name in self._names if name.endswith(tails)]
        for names in _batches(footers):
            for name, tail in zip(names, self._fetched(names, -_TAIL_BYTES), strict=True):
                length = int.from_bytes(tail[-_LENGTH_BYTES:-4], "little") + _LENGTH_BYTES
                if length <= len(tail):  # a longer one is fetched when it is asked for
                    self._tails[name] = tail[-length:]
        for names in _batches([name for name in self._names if name.startswith(tuple(whole))]):
            self._contents |= dict(zip(names, self._fetched(names, None), strict=True))

    def holds(self, path: UPath) -> bool:
        """The path lies in the lake."""
        return path.path.startswith(self._root.path.rstrip("/") + "/")

    def under(self, folder: UPath) -> dict[str, str]:
        """As `objects_under`."""
        start = f"{self._name(folder)}/"
        found: dict[str, str] = {}
        for name in self._names[bisect_left(self._names, start) :]:
            if not name.startswith(start):
                break
            found[name.removeprefix(start)] = self._marks[name]
        return found

    def content(self, path: UPath) -> bytes | None:
        """The whole object; None where it was not fetched.

        Raises:
            FileNotFoundError: there was no such object.
        """
        return self._contents.get(self._known(path))

    def tail(self, path: UPath) -> bytes | None:
        """The footer of a Parquet file; None where it was not fetched.

        Raises:
            FileNotFoundError: there was no such object.
        """
        return self._tails.get(self._known(path))

    def _known(self, path: UPath) -> str:
        name = self._name(path)
        if name not in self._marks:
            raise FileNotFoundError(str(path))
        return name

    def _name(self, path: UPath) -> str:
        return str(path.path).removeprefix(self._root.path.rstrip("/") + "/")

    def _fetched(self, names: Sequence[str], start: int | None) -> list[bytes]:
        paths = [(self._root / name).path for name in names]
        with storage_errors(self._root):
            found: list[bytes | Exception] = self._root.fs.cat_ranges(paths, start, None, on_error="return")
        contents = []
        for path, content in zip(paths, found, strict=True):
            if isinstance(content, Exception):
                raise LakeError(f"{path} cannot be read: {content}. Run again.") from content
            contents.append(bytes(content))
        return contents


@contextmanager
def looking_at(snapshot: Snapshot) -> Iterator[None]:
    """Read from the snapshot for a while, in this thread."""
    token = SNAPSHOT.set(snapshot)
    try:
        yield
    finally:
        SNAPSHOT.reset(token)


def _batches(names: Sequence[str]) -> Iterator[Sequence[str]]:
    return (names[start : start + _AT_ONCE] for start in range(0, len(names), _AT_ONCE))
