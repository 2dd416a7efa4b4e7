"""Run a model and keep its result: one Parquet file, replaced atomically; of a view, only what is known of it."""

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from dbt_like_sql.model import SqlModel
from videopasta_assets.errors import VideoPastaError
from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import Lake
from videopasta_assets.lake.objects import LakePath

if TYPE_CHECKING:
    import duckdb

_DIGEST_BYTES: Final = 16
_PREVIEW_ROWS: Final = 12


class SqlModelError(VideoPastaError):
    """A model's query failed."""


@dataclass(frozen=True)
class Result:
    """What a model's query gave.

    Attributes:
        rows: how many.
        first: the first of them, for a look.
        data_version: hash of all of them.
        path: the file that holds them; None for a view.
    """

    rows: int
    first: pa.Table
    data_version: str
    path: LakePath | None


def materialize_model(lake: Lake, model: SqlModel, connection: "duckdb.DuckDBPyConnection") -> Result:
    """Run the model; unless it is a view, write its rows to `models/<name>.parquet` of the lake.

    What is written is a table of the connection from here on, in the place of the view: checks, and models that read
    this one, do not compute it again.

    Args:
        lake: where it is written.
        model: the model.
        connection: has the model and what it reads as views.

    Raises:
        SqlModelError: the query fails.
        LakeError: the file cannot be written.
    """
    import duckdb

    try:
        if model.is_view:
            return _looked_at(model, connection)
        table = connection.sql(model.query).to_arrow_table()  # not through its view: there ORDER BY may be lost
        _keep(table, model.name, connection)
    except duckdb.Error as error:
        raise SqlModelError(f"{model.path}: {error}") from error
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    content = sink.getvalue().to_pybytes()
    path = lake.write_file(f"models/{model.name}.parquet", content)
    version = hashlib.blake2b(content, digest_size=_DIGEST_BYTES).hexdigest()
    return Result(table.num_rows, table.slice(0, _PREVIEW_ROWS), version, path)


def _keep(table: pa.Table, name: str, connection: "duckdb.DuckDBPyConnection") -> None:
    """Put a table with these rows in the place of the view, or of the table that an earlier run of it left."""
    kept = connection.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = $1", [name]).fetchall()
    kind = "TABLE" if kept == [(1,)] else "VIEW"
    connection.register("computed", table)
    connection.execute(f'CREATE TABLE kept AS SELECT * FROM "{name}" LIMIT 0')  # the view's types, JSON among them
    connection.execute(f'INSERT INTO kept SELECT * FROM computed; DROP {kind} "{name}"')
    connection.execute(f'ALTER TABLE kept RENAME TO "{name}"')
    connection.unregister("computed")


def _looked_at(model: SqlModel, connection: "duckdb.DuckDBPyConnection") -> Result:
    """Count the view's rows and hash them one by one, so that neither memory nor disk has to hold them."""
    known = connection.execute(
        f'SELECT count(*), bit_xor(hash(row)), sum(hash(row)::HUGEINT) FROM "{model.name}" AS row'
    )
    ((rows, mixed, summed),) = known.fetchall()
    first = connection.sql(f'SELECT * FROM "{model.name}" LIMIT {_PREVIEW_ROWS}').to_arrow_table()
    return Result(rows, first, stable_hash(model.name, rows, str(mixed), str(summed)), None)
