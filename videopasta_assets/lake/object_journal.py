"""A journal on object storage, where nothing can be appended to: rows gather for a moment, then become an object."""

import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from upath import UPath

from videopasta_assets.lake.journal import journal_line, journaled_rows
from videopasta_assets.lake.objects import LakeError, objects_under, put_object, read_object, remove_objects
from videopasta_assets.lake.schema import Row, TableSchema

_WIDTH: Final = 9


class ObjectJournal:
    """The journal of one shard of one table, as numbered objects in a folder.

    Rows that a request brings in quick succession share an object; a row waits for `seconds` at most. So a kill loses
    what came in its last second.

    Args:
        folder: of the journal.
        schema: says which columns a row has.
        rows_an_object: so many rows are put at once, without waiting for more.
        seconds: the longest that a row waits.
    """

    def __init__(self, folder: UPath, schema: TableSchema, rows_an_object: int = 64, seconds: float = 1.0) -> None:
        self.path = folder
        self._schema = schema
        self._rows_an_object = rows_an_object
        self._seconds = seconds
        self._waiting: list[bytes] = []
        self._next: int | None = None
        self._timer: threading.Timer | None = None
        self._failed: LakeError | None = None
        self._lock = threading.RLock()

    @property
    def exists(self) -> bool:
        """Some rows are kept in it."""
        return bool(objects_under(self.path))

    def rows(self) -> Iterator[Row]:
        """Rows put so far, oldest first; those that an older version wrote without a needed column are left out."""
        for name in sorted(objects_under(self.path)):
            yield from journaled_rows(read_object(self.path / name).splitlines(), self._schema)

    def append(self, row: Row) -> None:
        """Add one row.

        Raises:
            LakeError: it, or one before it, could not be put.
        """
        with self._lock:
            self._waiting.append(journal_line(row))
            if self._failed is not None or len(self._waiting) >= self._rows_an_object:
                self._put()
            elif self._timer is None:
                self._timer = threading.Timer(self._seconds, self._put_later)
                self._timer.daemon = True
                self._timer.start()

    def discard(self) -> None:
        """Forget everything: the rows are in the table now."""
        with self._lock:
            self._stop_timer()
            self._waiting.clear()
            remove_objects(*(self.path / name for name in objects_under(self.path)))
            self._next = None

    def close(self) -> None:
        """Put what waits.

        Raises:
            LakeError: it cannot be put.
        """
        with self._lock:
            self._put()

    def _put(self) -> None:
        self._stop_timer()
        if not self._waiting:
            return
        if self._next is None:
            self._next = max((int(name.split(".")[0]) for name in objects_under(self.path)), default=0) + 1
        put_object(self.path / f"{self._next:0{_WIDTH}d}.jsonl", b"".join(self._waiting))
        self._next += 1
        self._waiting.clear()
        self._failed = None

    def _put_later(self) -> None:
        with self._lock, suppress(LakeError):
            try:
                self._put()
            except LakeError as error:  # told by the next `append`, in the thread that can act on it
                self._failed = error
                raise

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
