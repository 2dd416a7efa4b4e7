"""DuckDB over the lake with every model as a view beside the tables."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from dbt_like_sql.catalog import RECIPE_SETTINGS, load_models
from dbt_like_sql.model import SqlModel
from dbt_like_sql.reference_views import add_references
from videopasta_assets.config.recipe import RecipeSettings
from videopasta_assets.errors import UserError
from videopasta_assets.lake import TABLES, Lake
from videopasta_assets.lake.sql import PARTITION_MEANINGS, RECORDS, attach, comment_on, declare, quoted

if TYPE_CHECKING:  # imported on use: most processes that load the models ask no SQL
    import duckdb

_SETTINGS: Final = {
    "recipe": "Name of the recipe.",
    "adversaries_per_query": "Slots of a question, as the project's file says now.",
    "adversary_policy": "one_per_mode, or within_query_mode.",
}


@dataclass(frozen=True)
class Warehouse:
    """An open connection, as a resource of assets.

    Its type is written as text on purpose: typing's caches keep what they see until the interpreter is gone, and
    DuckDB, whose types must go before, would complain about leaks at every exit.
    """

    connection: "duckdb.DuckDBPyConnection"


def connect(
    lake: Lake,
    models: Iterable[SqlModel] | None = None,
    recipe: RecipeSettings | None = None,
    *,
    frozen: bool = False,
) -> "duckdb.DuckDBPyConnection":
    """An in-memory connection whose views are the tables and the models: always what the tables hold now.

    Args:
        lake: whose files are read; DuckDB may open no others.
        models: which models; none: all.
        recipe: settings that count the slots of questions that no adversary was made for yet; none: the defaults.
        frozen: on object storage, what is there now is listed once for all questions, and nothing later is seen.

    Raises:
        UserError: a model is broken.
    """
    # Models bind to the declared tables, which costs no file; the views find the files' schema when they are used.
    connection = declare()
    _add_settings(connection, recipe or RecipeSettings())
    add_references(connection)
    for model in load_models() if models is None else models:
        add_view(connection, model)
    attach(connection, lake, frozen=frozen)
    return connection


def add_view(connection: "duckdb.DuckDBPyConnection", model: SqlModel) -> None:
    """Add `model` as a view with its comments. What it reads must be there already.

    Raises:
        UserError: the query names a column that does not exist, or the header one that the query lacks.
    """
    import duckdb

    try:
        connection.execute(f'CREATE OR REPLACE VIEW "{model.name}" AS {model.query}')
        comment_on(connection, model.name, model.description, _inherited(connection, model) | dict(model.columns))
    except duckdb.Error as error:
        where = f"{model.path}{_line(str(error))}"
        raise UserError(f"this model does not bind: {str(error).splitlines()[0]}", where=where) from error


def column_meanings(connection: "duckdb.DuckDBPyConnection", name: str) -> dict[str, str]:
    """What the columns of a table or model mean; a column without a meaning is left out."""
    if name in TABLES:  # a declared table has no comments yet
        return {column.name: column.meaning for column in TABLES[name].columns} | PARTITION_MEANINGS
    if name in RECORDS:
        return {column: meaning for column, (_, meaning) in RECORDS[name][1].items()}
    query = "SELECT column_name, comment FROM duckdb_columns() WHERE table_name = $1 AND comment IS NOT NULL"
    return dict(connection.execute(query, [name]).fetchall())


def _inherited(connection: "duckdb.DuckDBPyConnection", model: SqlModel) -> dict[str, str]:
    """Columns that the model's header leaves out mean what they mean in what it reads first."""
    known: dict[str, str] = {}
    for name in reversed(list(model.references)):
        known |= column_meanings(connection, name)
    return {name: known[name] for name in connection.view(model.name).columns if name in known}


def _add_settings(connection: "duckdb.DuckDBPyConnection", recipe: RecipeSettings) -> None:
    connection.execute(
        f'CREATE VIEW "{RECIPE_SETTINGS}" AS SELECT {quoted(recipe.name)} AS recipe, '
        f"{recipe.adversaries_per_query}::INTEGER AS adversaries_per_query, "
        f"{quoted(recipe.adversary_policy)} AS adversary_policy"
    )
    comment_on(connection, RECIPE_SETTINGS, "Settings of the project's recipe that decide what is counted.", _SETTINGS)


def _line(message: str) -> str:
    """DuckDB's line of the statement is the file's: a model's text is put behind CREATE VIEW as it is."""
    _, mark, rest = message.rpartition("\nLINE ")
    return f", line {rest.split(':', maxsplit=1)[0]}" if mark else ""
