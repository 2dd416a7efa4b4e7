"""Table schemas with meanings: one declaration serves Parquet, Dagster's column schemas and `videopasta sql`."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import pyarrow as pa

from videopasta_assets.hashing import stable_hash

Row = dict[str, Any]

NO_DEFAULT: Final = object()


@dataclass(frozen=True)
class Column:
    """One column. `content` columns decide a row's data version; the others are bookkeeping (cost, time).

    A column may be added to a table that lakes already hold. Rows that were written without it then read as null,
    and are computed again if it is content. With a `default` they read as that instead and stay fresh: a row whose
    value is the default has the data version that it had before the column was there.
    """

    name: str
    type: pa.DataType
    meaning: str
    content: bool = True
    default: Any = NO_DEFAULT

    @property
    def needed(self) -> bool:
        """A row that was written without this column cannot be used as it is."""
        return self.content and self.default is NO_DEFAULT

    @property
    def filler(self) -> Any:
        """What a row reads as that was written without this column."""
        return None if self.default is NO_DEFAULT else self.default


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
    Column(
        "cached_tokens",
        pa.int64(),
        "Of prompt_tokens, those that were not computed again; null where the engine does not say.",
        content=False,
    ),
    Column("completion_tokens", pa.int64(), "Tokens that the model wrote.", content=False),
    Column("seconds", pa.float64(), "Engine seconds, a batch's time shared by its rows.", content=False),
    Column("gpus", pa.int64(), "GPUs that computed it: 0 on a CPU, null where a server does not say.", content=False),
    Column("created_at", pa.timestamp("us", tz="UTC"), "When the row was computed.", content=False),
)

PARSED_COLUMN: Final = Column(
    "parsed",
    pa.string(),
    "How the reply was read: first, repaired (on a second try) or no; null where nothing was asked.",
    content=False,
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
        complete: Row = {column.name: row.get(column.name, column.filler) for column in self.columns}
        if complete["error"] is None:
            content = {
                column.name: complete[column.name]
                for column in self.own_columns
                if column.content and (column.default is NO_DEFAULT or complete[column.name] != column.default)
            }
            complete["data_version"] = stable_hash(complete["row_key"], content)
        else:
            complete["data_version"] = stable_hash(complete["row_key"], "error")
        return complete

    def to_arrow(self, rows: Iterable[Row]) -> pa.Table:
        """Rows as an Arrow table of this schema, sorted by key so that equal content gives equal files."""
        ordered = sorted(rows, key=lambda row: str(row["row_key"]))
        return pa.Table.from_pylist(ordered, schema=self.arrow)

    def complete(self, row: Mapping[str, Any]) -> Row | None:
        """`row` of an older or newer version with this version's columns; None if it lacks one that is needed."""
        if self.absent(row):
            return None
        return {column.name: row.get(column.name, column.filler) for column in self.columns}

    def adapted(self, table: pa.Table) -> pa.Table:
        """`table`, as an older or newer version wrote it, with this version's columns.

        Rows without a needed column lose their provenance, so that they count as stale.

        Raises:
            pa.ArrowInvalid: a column has a type that does not convert.
        """
        stale = bool(self.absent(table.column_names))
        columns = []
        for column in self.columns:
            if column.name in table.column_names and not (stale and column.name == "provenance"):
                columns.append(table[column.name])
            else:
                columns.append(pa.array([column.filler] * table.num_rows, column.type))
        return pa.table(columns, [column.name for column in self.columns]).cast(self.arrow)

    @cached_property
    def identity(self) -> str:
        """Hash of the columns' names: a file that carries it lacks none."""
        return stable_hash([column.name for column in self.columns])

    def absent(self, names: Iterable[str]) -> tuple[str, ...]:
        """Needed columns that are not among `names`: rows without them are computed again."""
        held = set(names)
        return tuple(column.name for column in self.own_columns if column.needed and column.name not in held)
