"""SQL over the lake: an in-memory DuckDB with one view a table, so that readers never block a writer.

Views read Parquet files that are only ever replaced whole, so a query may run while a run writes. DuckDB may open
nothing outside the lake.
"""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

from videopasta_assets.lake.held_objects import HeldFileSystem
from videopasta_assets.lake.objects import LakePath, is_object, objects_under
from videopasta_assets.lake.schema import Column, TableSchema
from videopasta_assets.lake.store import FOOTER_KEY, ROWS_FILE, Lake
from videopasta_assets.lake.tables import TABLES

if TYPE_CHECKING:  # imported on use: most processes ask no SQL
    import duckdb

MANIFESTS: Final = "manifests"
PREFERENCE_SETS: Final = "preference_sets"

RECORDS: Final = {
    MANIFESTS: (
        "What is known of every shard of every table without reading its rows: the footers of the files.",
        {
            "table": ("VARCHAR", "Name of the table."),
            "recipe": ("VARCHAR", "Recipe, or common."),
            "shard": ("VARCHAR", "The shard, experiment or benchmark run."),
            "rows": ("BIGINT", "Rows, error rows included."),
            "errors": ("BIGINT", "Error rows."),
            "data_version": ("VARCHAR", "Hash of the rows' data versions."),
            "spec": ("JSON", "Named parts of everything that decided the rows beside the inputs."),
            "inputs": ("JSON", "Data versions of what the rows were derived from, by name."),
            "written_at": ("TIMESTAMPTZ", "When the file was written."),
        },
    ),
    PREFERENCE_SETS: (
        "Members of every preference set that there ever was, from the immutable manifests that training read.",
        {
            "preference_set": ("VARCHAR", "Content hash of the set."),
            "recipe": ("VARCHAR", "Recipe of its pairs."),
            "pair_id": ("VARCHAR", "The pair."),
            "pair_version": ("VARCHAR", "Its data version when the set was made."),
            "pair_shard": ("VARCHAR", "Shard that held it."),
        },
    ),
}
"""Views beside the tables: meaning, and type and meaning of the columns."""

SQL_TYPES: Final = {
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
_LEAST_JSON_BYTES: Final = 16 * 1024**2
"""DuckDB's own limit of one JSON object; it is raised for larger preference sets."""


def connect(lake: Lake) -> "duckdb.DuckDBPyConnection":
    """A DuckDB connection with every table of the lake as a view; empty tables have their columns too.

    `recipe` and `shard` are columns that prune: a query for one shard opens one file.
    """
    connection = declare()
    attach(connection, lake)
    return connection


def declare() -> "duckdb.DuckDBPyConnection":
    """A connection whose views have the tables' columns and no rows: to bind other views against, without files."""
    import duckdb

    connection = duckdb.connect(":memory:")
    connection.execute("SET preserve_insertion_order = false")
    connection.execute("SET enable_progress_bar = false")  # it would stand between the rows of a redirected answer
    for schema in TABLES.values():
        connection.execute(f'CREATE VIEW "{schema.name}" AS {_empty(schema)}')
    for name, (_, columns) in RECORDS.items():
        connection.execute(f'CREATE VIEW "{name}" AS {_no_records(columns)}')
    return connection


def attach(connection: "duckdb.DuckDBPyConnection", lake: Lake, *, frozen: bool = False) -> None:
    """Let the declared views read the lake's files, with comments that say what columns mean.

    A file that came later is seen too: a view looks for files when it is asked, not now. Only a table's first file
    has to be there, because an empty folder has no schema.

    Args:
        connection: has the declared views.
        lake: whose files are read.
        frozen: on object storage, what is there now is listed once for all questions, and nothing later is seen.
    """
    root = lake.root.absolute()
    if is_object(root):
        # Reads with our credentials, and brings no extension to be downloaded.
        connection.register_filesystem(HeldFileSystem(root, frozen=frozen))
    patterns = _patterns(root)
    for schema in TABLES.values():
        pattern = patterns.get(schema.name)
        query = _select(schema, pattern) if pattern else _empty(schema)
        connection.execute(f'CREATE OR REPLACE VIEW "{schema.name}" AS {query}')
        meanings = {column.name: column.meaning for column in schema.columns} | PARTITION_MEANINGS
        comment_on(connection, schema.name, schema.meaning, meanings)
    for name, records in ((MANIFESTS, _manifests(patterns)), (PREFERENCE_SETS, _preference_sets(root))):
        meaning, columns = RECORDS[name]
        connection.execute(f'CREATE OR REPLACE VIEW "{name}" AS {records or _no_records(columns)}')
        comment_on(connection, name, meaning, {column: text for column, (_, text) in columns.items()})
    connection.execute(f"SET allowed_directories = [{quoted(str(root))}]")
    connection.execute("SET enable_external_access = false")


def comment_on(connection: "duckdb.DuckDBPyConnection", view: str, meaning: str, columns: Mapping[str, str]) -> None:
    """Say what a view and its columns mean."""
    comments = [f'COMMENT ON VIEW "{view}" IS {quoted(meaning)}']
    comments += (f'COMMENT ON COLUMN "{view}"."{column}" IS {quoted(text)}' for column, text in columns.items())
    connection.execute("; ".join(comments))


def quoted(text: str) -> str:
    """`text` as a string literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


PARTITION_MEANINGS: Final = {
    "recipe": "Recipe of the row, or common; prunes files.",
    "shard": "Shard, experiment or benchmark run that holds the row, `__i2` behind it in iteration 2; prunes files.",
    "iteration": "Round of a recipe that is repeated with its own tuned model; 1 where it is not.",
}

_ITERATION: Final = "coalesce(try_cast(nullif(regexp_extract(shard, '__i([0-9]+)$', 1), '') AS INTEGER), 1)"


def _patterns(root: LakePath) -> dict[str, str]:
    """Where the rows of each table lie that has any."""
    folder = root / "tables"
    if is_object(folder):
        names = (name.split("/") for name in objects_under(folder))
        filled = {parts[0] for parts in names if parts[-1] == ROWS_FILE}
    else:
        filled = {name for name in TABLES if any((folder / name).glob(f"recipe=*/shard=*/{ROWS_FILE}"))}
    return {name: str(folder / name / "*" / "*" / ROWS_FILE) for name in TABLES if name in filled}


def _select(schema: TableSchema, pattern: str) -> str:
    """The table's query: exactly the schema's columns; those that a file lacks are null, or their default."""
    columns = ", ".join(_expression(column) for column in schema.columns)
    return (
        f"SELECT {columns}, recipe, shard, {_ITERATION} AS iteration "
        f"FROM (SELECT * FROM read_parquet({quoted(pattern)}, "
        "hive_partitioning = true, union_by_name = true, hive_types = {'recipe': VARCHAR, 'shard': VARCHAR}) "
        f"UNION ALL BY NAME {_empty(schema)})"
    )


def _empty(schema: TableSchema) -> str:
    columns = (f'NULL::{SQL_TYPES[str(column.type)]} AS "{column.name}"' for column in schema.columns)
    places = "NULL::VARCHAR AS recipe, NULL::VARCHAR AS shard, NULL::INTEGER AS iteration"
    return f"SELECT {', '.join(columns)}, {places} WHERE false"


def _expression(column: Column) -> str:
    name = f'"{column.name}"'
    if column.filler is None:
        return name
    return f"coalesce({name}, {quoted(str(column.filler))}::{SQL_TYPES[str(column.type)]}) AS {name}"


def _no_records(columns: Mapping[str, tuple[str, str]]) -> str:
    empty = (f'NULL::{kind} AS "{name}"' for name, (kind, _) in columns.items())
    return f"SELECT {', '.join(empty)} WHERE false"


def _manifests(patterns: Mapping[str, str]) -> str | None:
    return " UNION ALL ".join(_footers(patterns.items())) or None


def _footers(tables: Iterable[tuple[str, str]]) -> Iterable[str]:
    for name, pattern in tables:
        yield f"""
        SELECT {quoted(name)} AS "table",
               regexp_extract(file_name, 'recipe=([^/]*)/', 1) AS recipe,
               regexp_extract(file_name, 'shard=([^/]*)/', 1) AS shard,
               (footer ->> '$.rows')::BIGINT AS rows, (footer ->> '$.errors')::BIGINT AS errors,
               footer ->> '$.data_version' AS data_version, (footer -> '$.spec')::JSON AS spec,
               (footer -> '$.inputs')::JSON AS inputs, (footer ->> '$.written_at')::TIMESTAMPTZ AS written_at
        FROM (SELECT file_name, decode(value)::JSON AS footer FROM parquet_kv_metadata({quoted(pattern)})
              WHERE decode(key) = {quoted(FOOTER_KEY.decode())})"""


def _preference_sets(root: LakePath) -> str | None:
    folder = root / PREFERENCE_SETS
    if is_object(folder):
        sizes = [info["size"] for info in folder.fs.find(folder.path, detail=True).values()]
    else:
        sizes = [path.stat().st_size for path in folder.glob("*/*.json")]
    if not sizes:
        return None
    return f"""
    SELECT preference_set, recipe, pair[1] AS pair_id, pair[2] AS pair_version, pair[3] AS pair_shard
    FROM (SELECT preference_set, recipe, unnest(pairs) AS pair
          FROM read_json({quoted(str(root / PREFERENCE_SETS / "*" / "*.json"))},
                         columns = {{preference_set: 'VARCHAR', recipe: 'VARCHAR', pairs: 'VARCHAR[][]'}},
                         maximum_object_size = {max(_LEAST_JSON_BYTES, max(sizes) + 1)}))"""
