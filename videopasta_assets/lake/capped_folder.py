"""A folder of files under content keys, of bounded size, that processes share.

It is a cache: losing any of it costs time only. An entry is named by a hash of everything that decides it, so nothing
in it is ever stale, and it appears whole or not at all.
"""

import logging
import time
from contextlib import suppress
from pathlib import Path
from typing import ClassVar, Final

from videopasta_assets.lake.files import replace_file
from videopasta_assets.lake.objects import LakeError

_log: Final = logging.getLogger(__name__)


class CappedFolder:
    """Files on disk, up to a number of bytes. Threads and processes may share a folder.

    When it is full, entries that were not used for longest make room; but one that was used within
    `protected_seconds` stays, and the new one is not stored: otherwise a pass over more entries than fit would replace
    each just before it is needed again, and nothing would ever be found.

    Args:
        folder: made on first use.
        max_bytes: of all entries together.
        protected_seconds: how long an entry is safe after its last use.
    """

    suffix: ClassVar[str]
    """Of the entries' names."""
    kind: ClassVar[str]
    """What entries are, for the one warning that none are stored any more."""

    def __init__(self, folder: Path, max_bytes: int, *, protected_seconds: float = 3600.0) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._protected = protected_seconds
        self._is_broken = False
        self.hits = 0
        self.misses = 0

    def __eq__(self, other: object) -> bool:
        """Stores of one folder and size are one store: an engine that has it is not loaded again for another."""
        return (
            isinstance(other, CappedFolder)
            and type(self) is type(other)
            and (self._folder, self._max_bytes) == (other._folder, other._max_bytes)
        )

    def __hash__(self) -> int:
        """Of the folder and the size."""
        return hash((type(self), self._folder, self._max_bytes))

    @property
    def size_bytes(self) -> int:
        """Of all entries."""
        return sum(size for size, _, _ in self._entries())

    def _store(self, key: str, content: bytes) -> bool:
        """Write an entry; false where there is no room for it or the disk refuses."""
        if self._is_broken or not self._make_room(len(content)):
            return False
        try:
            replace_file(self._path(key), content)
        except LakeError as error:  # the work goes on without a cache; said once
            _log.warning("%s are not stored any more: %s", self.kind, error)
            self._is_broken = True
            return False
        return True

    def _drop(self, key: str, error: Exception) -> None:
        """Forget an entry that cannot be read."""
        path = self._path(key)
        _log.warning("stored %s are unreadable and dropped: %s (%s)", self.kind, path, error)
        with suppress(OSError):
            path.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self._folder / key[:2] / f"{key}{self.suffix}"

    def _entries(self) -> list[tuple[int, float, Path]]:
        """Size, time of last use (seconds since the epoch) and path of each entry."""
        entries = []
        for path in self._folder.glob(f"*/*{self.suffix}"):
            with suppress(OSError):  # another process dropped it
                status = path.stat()
                entries.append((status.st_size, status.st_mtime, path))
        return entries

    def _make_room(self, wanted: int) -> bool:
        entries = sorted(self._entries(), key=lambda entry: entry[1])
        excess = sum(size for size, _, _ in entries) + wanted - self._max_bytes
        victims = []
        limit = time.time() - self._protected
        for size, used, path in entries:
            if excess <= 0:
                break
            if used > limit:
                return False
            victims.append(path)
            excess -= size
        if excess > 0:
            return False
        for path in victims:
            path.unlink(missing_ok=True)
        return True
