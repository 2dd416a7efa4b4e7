"""Table schemas with meanings: one declaration serves Parquet, Dagster's column schemas and `videopasta sql`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from videopasta_assets.hashing import stable_hash

Row = dict[str, Any]


@dataclass(frozen=True)
class Column:
    """One column. `content` columns decide a row's data version; the others are bookkeeping (cost, time)."""

    name: str
    type: pa.DataType
    meaning: str
    content: bool = True


STANDARD_COLUMNS: Final = (
    Column("row_key", pa.string(), "Identity of the row within its table.", content=False),
    Column("provenance", pa.string(), "Hash of the inputs' data versions and of the spec.", content=False),
    Column(
        "data_version", pa.string(), "Hash of the row's content; equal content stops downstream work.", content=False
    ),
    Column("error", pa.string(), "Why the row could not be computed; null when it could.", content=False),
)

COST_COLUMNS: Final = (
    Column("prompt_tokens", pa.int64(), "Tokens of the prompt, video tokens included.", content=False),
    Column("completion_tokens", pa.int64(), "Tokens that the model wrote.", content=False),
    Column("seconds", pa.float64(), "Engine seconds, a batch's time shared by its rows.", content=False),
    Column("created_at", pa.timestamp("us", tz="UTC"), "When the row was computed.", content=False),
)


@dataclass(frozen=True)
class TableSchema:
    """A table of the lake: what a row is, and its columns after the standard four."""

    name: str
    meaning: str
    own_columns: tuple[Column, ...]
    per_recipe: bool = True

    @property
    def columns(self) -> tuple[Column, ...]:
        """All columns, the standard ones first."""
        return STANDARD_COLUMNS + self.own_columns

    @property
    def arrow(self) -> pa.Schema:
        """The Arrow schema; a column's meaning is its field metadata."""
        return pa.schema(
            [pa.field(column.name, column.type, metadata={"meaning": column.meaning}) for column in self.columns]
        )

    def versioned(self, row: Mapping[str, Any]) -> Row:
        """`row` with every column present and its `data_version` computed from the content columns.

        All error rows of one key are equal: what is downstream only cares that there is no content.

        Raises:
            ValueError: the row has a column that the table lacks.
        """
        names = {column.name for column in self.columns}
        unknown = sorted(set(row) - names)
        if unknown:
            raise ValueError(f"table {self.name!r} has no column {unknown[0]!r}")
        complete: Row = {column.name: row.get(column.name) for column in self.columns}
        if complete["error"] is None:
            content = {column.name: complete[column.name] for column in self.own_columns if column.content}
            complete["data_version"] = stable_hash(complete["row_key"], content)
        else:
            complete["data_version"] = stable_hash(complete["row_key"], "error")
        return complete

    def to_arrow(self, rows: Iterable[Row]) -> pa.Table:
        """Rows as an Arrow table of this schema, sorted by key so that equal content gives equal files."""
        ordered = sorted(rows, key=lambda row: str(row["row_key"]))
        return pa.Table.from_pylist(ordered, schema=self.arrow)
