"""A journal of computed rows: what a killed run had finished is not computed again.

One JSON line a row, handed to the system as results arrive; deleted after the shard's Parquet file was replaced.
A line that was cut by the kill is ignored: its row is computed again.
"""

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa

from videopasta_assets.lake.files import disk_errors, make_folder, write_all
from videopasta_assets.lake.schema import Row, TableSchema


class Journal:
    """Append-only rows of one shard of one table, beside the lake's tables.

    Args:
        path: the journal's file.
        schema: says which columns a row has, and the types that JSON lacks (timestamps).
        sync_every: rows between two fsyncs: a power cut loses at most so many, a kill none.
    """

    def __init__(self, path: Path, schema: TableSchema, sync_every: int = 16) -> None:
        self.path = path
        self._schema = schema
        self._sync_every = sync_every
        self._pending = 0
        self._descriptor: int | None = None

    @property
    def exists(self) -> bool:
        """Some rows are kept in it."""
        return self.path.exists()

    def rows(self) -> Iterator[Row]:
        """Rows written so far, oldest first; those that an older version wrote without a needed column are left out."""
        try:
            file = self.path.open("rb")
        except FileNotFoundError:
            return
        with file:
            yield from journaled_rows(file, self._schema)

    def append(self, row: Row) -> None:
        """Add one row; it survives a kill of this process as soon as this returns.

        Raises:
            LakeError: it cannot be written; the rows before it are kept.
        """
        line = journal_line(row)
        with disk_errors(self.path):
            if self._descriptor is None:
                self._descriptor = self._opened()
            end = os.lseek(self._descriptor, 0, os.SEEK_END)
            try:
                write_all(self._descriptor, line)
            except BaseException:
                with suppress(OSError):  # a torn line would be ignored too, but would cost a row after it
                    os.ftruncate(self._descriptor, end)
                raise
            self._pending += 1
            if self._pending >= self._sync_every:
                os.fsync(self._descriptor)
                self._pending = 0

    def discard(self) -> None:
        """Forget everything: the rows are in the table now."""
        self.close()
        with disk_errors(self.path), suppress(FileNotFoundError):
            os.unlink(self.path)  # noqa: PTH108 - by name, as in `files`

    def close(self) -> None:
        """Flush to disk and close."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            with disk_errors(self.path):
                try:
                    os.fsync(descriptor)
                finally:
                    os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _opened(self) -> int:
        make_folder(self.path.parent)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
        end = os.lseek(descriptor, 0, os.SEEK_END)
        if end and os.pread(descriptor, 1, end - 1) != b"\n":  # the last line was cut
            write_all(descriptor, b"\n")
        return descriptor


def journal_line(row: Row) -> bytes:
    """A row as a journal keeps it."""
    return json.dumps(row, default=_encoded).encode() + b"\n"


def journaled_rows(lines: Iterable[bytes], schema: TableSchema) -> Iterator[Row]:
    """The rows of a journal's lines, without those that are damaged or lack a column that is needed."""
    timestamps = [column.name for column in schema.columns if pa.types.is_timestamp(column.type)]
    for line in lines:
        try:
            row = json.loads(line)
            for name in timestamps:
                if row.get(name) is not None:
                    row[name] = datetime.fromisoformat(row[name])
        except (ValueError, AttributeError, TypeError):  # cut by a kill, or garbled by a power cut
            continue
        complete = schema.complete(row)
        if complete is not None:
            yield complete


def _encoded(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    raise TypeError(f"{type(value).__name__} cannot be journaled")
