"""`videopasta sql`: one read-only query over the lake."""

import csv
import io
from typing import TYPE_CHECKING, Annotated, Any

import typer

from videopasta_assets.cli.console import OUT, print_json, print_table, say, table
from videopasta_assets.cli.options import HERE, JsonOption, ProjectOption, open_project
from videopasta_assets.errors import UserError

if TYPE_CHECKING:
    import duckdb


def sql(
    query: Annotated[str, typer.Argument(help="A SELECT over the lake's tables.")] = "",
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    list_tables: Annotated[bool, typer.Option("--list", help="Print the tables, their columns and meanings.")] = False,
    rows: Annotated[int, typer.Option(min=1, help="Rows of a printed table, at most; JSON and CSV have all.")] = 50,
) -> None:
    """Ask the lake a question in SQL (DuckDB). Only reads: a statement that writes is refused."""
    from dbt_like_sql.views import connect

    if as_json and as_csv:
        raise UserError("--json and --csv exclude each other", fix="Give one of them.")
    if bool(query.strip()) == list_tables:
        raise UserError("give one query, or --list", fix='For example: videopasta sql "SELECT * FROM verified_pairs".')
    connection = connect(open_project(project).lake)
    if list_tables:
        query = (
            'SELECT table_name AS "table", column_name AS "column", data_type AS type, comment AS meaning '
            "FROM duckdb_columns() WHERE NOT internal ORDER BY table_name, column_index"
        )
        if not (as_json or as_csv):
            query = (
                'SELECT view_name AS "table", comment AS meaning FROM duckdb_views() '
                "WHERE NOT internal ORDER BY view_name"
            )
    columns, found = select(connection, query)
    if as_json:
        print_json([dict(zip(columns, row, strict=True)) for row in found])
    elif as_csv:
        OUT.file.write(_csv(columns, found))
    else:
        print_table(table("", columns, ([_cell(cell) for cell in row] for row in found[:rows])))
        if len(found) > rows:
            say(f"... and {len(found) - rows} more rows: --rows, --csv or --json show them.")


def select(connection: "duckdb.DuckDBPyConnection", query: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Column names and rows of one SELECT.

    Raises:
        UserError: no valid SQL, more than one statement, or a statement that is no query.
    """
    import duckdb

    try:
        statements = connection.extract_statements(query)
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise UserError(
                "only a single query can be run here",
                where="SQL",
                fix="The lake is read-only: begin with SELECT or WITH.",
            )
        result = connection.execute(statements[0])
        return [column[0] for column in result.description or []], result.fetchall()
    except duckdb.Error as error:
        raise UserError(_sentence(str(error)), where="SQL", fix="`videopasta sql --list` shows the tables.") from error


def _sentence(message: str) -> str:
    """DuckDB's message without its picture of the query."""
    paragraph = message.split("\n\nLINE ", maxsplit=1)[0].split("\nLINE ", maxsplit=1)[0]
    return " ".join(paragraph.split())


def _cell(value: object) -> object:
    return f"{value:.4g}" if isinstance(value, float) else value


def _csv(columns: list[str], rows: list[tuple[Any, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()
