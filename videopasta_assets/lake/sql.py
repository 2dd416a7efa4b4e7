"""SQL over the lake: an in-memory DuckDB with one view a table, so that readers never block a writer."""

from typing import TYPE_CHECKING, Final

from videopasta_assets.lake.schema import Column, TableSchema
from videopasta_assets.lake.store import ROWS_FILE, Lake
from videopasta_assets.lake.tables import TABLES

if TYPE_CHECKING:  # imported on use: most processes ask no SQL
    import duckdb

_ARROW_TO_SQL: Final = {
    "string": "VARCHAR",
    "int64": "BIGINT",
    "int32": "INTEGER",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    "timestamp[us, tz=UTC]": "TIMESTAMPTZ",
    "list<element: int32>": "INTEGER[]",
    "list<item: int32>": "INTEGER[]",
    "list<element: double>": "DOUBLE[]",
    "list<element: string>": "VARCHAR[]",
    "list<item: string>": "VARCHAR[]",
    "list<item: double>": "DOUBLE[]",
}


def connect(lake: Lake) -> "duckdb.DuckDBPyConnection":
    """A DuckDB connection with every table of the lake as a view; empty tables have their columns too.

    The views read Parquet files that are only ever replaced whole. `recipe` and `shard` are columns that prune.
    """
    import duckdb

    connection = duckdb.connect(":memory:")
    connection.execute("SET preserve_insertion_order = false")
    for schema in TABLES.values():
        connection.execute(f'CREATE VIEW "{schema.name}" AS {_select(connection, lake, schema)}')
        for column in schema.columns:
            comment = column.meaning.replace("'", "''")
            connection.execute(f'COMMENT ON COLUMN "{schema.name}"."{column.name}" IS \'{comment}\'')
        meaning = schema.meaning.replace("'", "''")
        connection.execute(f"COMMENT ON VIEW \"{schema.name}\" IS '{meaning}'")
    return connection


def _select(connection: "duckdb.DuckDBPyConnection", lake: Lake, schema: TableSchema) -> str:
    """The table's query: exactly the schema's columns; those that no file has yet are null, or their default."""
    folder = lake.root / "tables" / schema.name
    source, held = "(SELECT NULL::VARCHAR AS recipe, NULL::VARCHAR AS shard WHERE false)", set[str]()
    if any(folder.glob(f"recipe=*/shard=*/{ROWS_FILE}")):
        pattern = str(folder / "*" / "*" / ROWS_FILE).replace("'", "''")
        source = (
            f"read_parquet('{pattern}', hive_partitioning = true, union_by_name = true, "
            "hive_types = {'recipe': VARCHAR, 'shard': VARCHAR})"
        )
        held = {row[0] for row in connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()}
    columns = ", ".join(_expression(column, column.name in held) for column in schema.columns)
    return f"SELECT {columns}, recipe, shard FROM {source}"


def _expression(column: Column, held: bool) -> str:
    name, kind = f'"{column.name}"', _ARROW_TO_SQL[str(column.type)]
    if column.filler is None:
        return name if held else f"NULL::{kind} AS {name}"
    filler = "'" + str(column.filler).replace("'", "''") + f"'::{kind}"
    return f"coalesce({name}, {filler}) AS {name}" if held else f"{filler} AS {name}"
