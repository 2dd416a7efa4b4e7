"""DuckDB over the lake with every model as a view beside the tables."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dbt_like_sql.library import load_models
from dbt_like_sql.model import SqlModel
from videopasta_assets.errors import UserError
from videopasta_assets.lake import Lake
from videopasta_assets.lake import connect as connect_tables

if TYPE_CHECKING:  # imported on use: most processes that load the models ask no SQL
    import duckdb


@dataclass(frozen=True)
class Warehouse:
    """An open connection, as a resource of assets.

    Its type is written as text on purpose: typing's caches keep what they see until the interpreter is gone, and
    DuckDB, whose types must go before, would complain about leaks at every exit.
    """

    connection: "duckdb.DuckDBPyConnection"


def connect(lake: Lake, models: Iterable[SqlModel] | None = None) -> "duckdb.DuckDBPyConnection":
    """An in-memory connection whose views are the tables and the models: always what the tables hold now.

    Raises:
        UserError: a model is broken.
    """
    connection = connect_tables(lake)
    for model in load_models() if models is None else models:
        add_view(connection, model)
    return connection


def add_view(connection: "duckdb.DuckDBPyConnection", model: SqlModel) -> None:
    """Add `model` as a view with its comments. What it reads must be there already.

    Raises:
        UserError: the query names a column that does not exist.
    """
    import duckdb

    try:
        connection.execute(f'CREATE OR REPLACE VIEW "{model.name}" AS {model.query}')
    except duckdb.Error as error:
        raise UserError(f"this model does not bind: {str(error).splitlines()[0]}", where=str(model.path)) from error
    connection.execute(f'COMMENT ON VIEW "{model.name}" IS {_quoted(model.description)}')
    for column, meaning in model.columns.items():
        connection.execute(f'COMMENT ON COLUMN "{model.name}"."{column}" IS {_quoted(meaning)}')


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
