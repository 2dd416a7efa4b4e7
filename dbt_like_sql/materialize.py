"""Run a model and keep its result: one Parquet file, replaced atomically."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.parquet as pq

from dbt_like_sql.model import SqlModel
from videopasta_assets.errors import VideoPastaError
from videopasta_assets.lake import Lake

if TYPE_CHECKING:
    import duckdb

_DIGEST_BYTES: Final = 16


class SqlModelError(VideoPastaError):
    """A model's query failed."""


@dataclass(frozen=True)
class Result:
    """A model's rows and the hash of their content."""

    table: pa.Table
    data_version: str
    path: Path


def materialize_model(lake: Lake, model: SqlModel, connection: "duckdb.DuckDBPyConnection") -> Result:
    """Write the model's rows to `models/<name>.parquet` of the lake.

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
        table = connection.sql(model.query).to_arrow_table()  # not through its view: there ORDER BY may be lost
    except duckdb.Error as error:
        raise SqlModelError(f"{model.path}: {error}") from error
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd")
    content = sink.getvalue().to_pybytes()
    path = lake.write_file(f"models/{model.name}.parquet", content)
    return Result(table, hashlib.blake2b(content, digest_size=_DIGEST_BYTES).hexdigest(), path)
