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

    Args:
        lake: where it is written.
        model: the model.
        connection: has what the model reads as views.

    Raises:
        SqlModelError: the query fails.
        LakeError: the file cannot be written.
    """
    import duckdb

    try:
        if model.is_view:
            return _looked_at(model, connection)
        table = connection.sql(model.query).to_arrow_table()  # not through its view: there ORDER BY may be lost
    except duckdb.Error as error:
        raise SqlModelError(f"{model.path}: {error}") from error
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    content = sink.getvalue().to_pybytes()
    path = lake.write_file(f"models/{model.name}.parquet", content)
    version = hashlib.blake2b(content, digest_size=_DIGEST_BYTES).hexdigest()
    return Result(table.num_rows, table.slice(0, _PREVIEW_ROWS), version, path)


def _looked_at(model: SqlModel, connection: "duckdb.DuckDBPyConnection") -> Result:
    """Count the view's rows and hash them one by one, so that neither memory nor disk has to hold them."""
    known = connection.execute(
        f'SELECT count(*), bit_xor(hash(row)), sum(hash(row)::HUGEINT) FROM "{model.name}" AS row'
    )
    ((rows, mixed, summed),) = known.fetchall()
    first = connection.sql(f'SELECT * FROM "{model.name}" LIMIT {_PREVIEW_ROWS}').to_arrow_table()
    return Result(rows, first, stable_hash(model.name, rows, str(mixed), str(summed)), None)
