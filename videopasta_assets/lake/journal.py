"""A journal of computed rows: what a killed run had finished is not computed again.

One JSON line a row, appended and flushed to disk as results arrive; deleted after the shard's Parquet file
was replaced. A line that was cut by the kill is ignored: its row is computed again.
"""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import pyarrow as pa

from videopasta_assets.lake.schema import Row, TableSchema


class Journal:
    """Append-only rows of one shard of one table, beside the lake's tables.

    Args:
        path: the journal's file.
        schema: gives the types that JSON lacks (timestamps).
        sync_every: rows between two fsyncs; a kill loses at most so many, a power cut too.
    """

    def __init__(self, path: Path, schema: TableSchema, sync_every: int = 16) -> None:
        self.path = path
        self._timestamps = [column.name for column in schema.columns if pa.types.is_timestamp(column.type)]
        self._sync_every = sync_every
        self._pending = 0
        self._file: IO[str] | None = None

    def rows(self) -> Iterator[Row]:
        """Rows written so far, oldest first."""
        if not self.path.exists():
            return
        with self.path.open(encoding="utf-8") as file:
            for line in file:
                try:
                    row: Row = json.loads(line)
                except json.JSONDecodeError:
                    continue
                for name in self._timestamps:
                    if row.get(name) is not None:
                        row[name] = datetime.fromisoformat(row[name])
                yield row

    def append(self, row: Row) -> None:
        """Add one row; it survives a kill of this process as soon as this returns."""
        if self._file is None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            torn = self.path.exists() and not self.path.read_bytes().endswith(b"\n")
            self._file = self.path.open("a", encoding="utf-8")
            if torn:
                self._file.write("\n")
        self._file.write(json.dumps(row, default=_encoded) + "\n")
        self._file.flush()
        self._pending += 1
        if self._pending >= self._sync_every:
            os.fsync(self._file.fileno())
            self._pending = 0

    def discard(self) -> None:
        """Forget everything: the rows are in the table now."""
        self.close()
        self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Flush to disk and close."""
        if self._file is not None:
            os.fsync(self._file.fileno())
            self._file.close()
            self._file = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _encoded(value: Any) -> str:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    raise TypeError(f"{type(value).__name__} cannot be journaled")
