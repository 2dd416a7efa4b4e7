"""`videopasta sql`: one read-only query over the lake, or a ready-made question."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from videopasta_assets.cli.console import ERR, OUT, print_json, print_rows, say
from videopasta_assets.cli.options import HERE, JsonOption, ProjectOption, open_project
from videopasta_assets.errors import UserError

if TYPE_CHECKING:
    from dbt_like_sql.reader import Answer, Reader


def sql(
    query: Annotated[str, typer.Argument(help="A SELECT over the lake's tables.")] = "",
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV.")] = False,
    list_tables: Annotated[
        bool, typer.Option("--list", help="Print tables and ready-made questions; with --name the columns of one.")
    ] = False,
    name: Annotated[str, typer.Option("--name", help="Answer a ready-made question, or print a table.")] = "",
    rows: Annotated[int, typer.Option(min=1, help="Rows of a printed table, at most; JSON and CSV have all.")] = 50,
) -> None:
    """Ask the lake a question in SQL (DuckDB). Only reads: a statement that writes is refused."""
    from dbt_like_sql.reader import Reader, SqlError

    if as_json and as_csv:
        raise UserError("--json and --csv exclude each other", fix="Give one of them.")
    if bool(query.strip()) == (list_tables or bool(name)):
        raise UserError(
            "give one query, or --list, or --name",
            fix='For example: videopasta sql "SELECT * FROM verified_pairs", or videopasta sql --name funnel.',
        )
    opened = open_project(project)
    with Reader(opened) as reader:
        try:
            answer = _listed(reader, name, as_json or as_csv) if list_tables else _answered(reader, query, name)
        except SqlError as mistake:
            if mistake.picture:
                ERR.print(Text(mistake.picture))
            raise
        if as_json:
            print_json([dict(zip(answer.columns, row, strict=True)) for row in answer.rows])
        elif as_csv:
            OUT.file.write(_csv(answer.columns, answer.rows))
        elif query and answer.columns == ("explain_key", "explain_value"):
            OUT.file.write("".join(f"{text}\n" for _, text in answer.rows))
        else:
            shown = answer.rows if list_tables else answer.rows[:rows]
            print_rows(answer.columns, [[_cell(cell) for cell in row] for row in shown])
            if len(answer.rows) > len(shown):
                say(f"... and {len(answer.rows) - rows} more rows: --rows, --csv or --json show them.")
        if not answer.rows and (empty := reader.empty_tables(query or f'SELECT * FROM "{name}"')):
            say(_what_to_run(empty))


def _answered(reader: "Reader", query: str, name: str) -> "Answer":
    return reader.question(name) if name else reader.ask(query)


def _listed(reader: "Reader", name: str, columns_too: bool) -> "Answer":
    """Columns of one table, or of all; for people, who asked for all, one line a table."""
    from dbt_like_sql.catalog import load_models
    from dbt_like_sql.reader import Answer
    from videopasta_assets.lake import TABLES
    from videopasta_assets.lake.sql import RECORDS

    if name or columns_too:
        return reader.schema(name or None)
    lines = [(schema.name, "table", schema.meaning) for schema in TABLES.values()]
    lines += [(record, "table", meaning) for record, (meaning, _) in RECORDS.items()]
    lines += [
        (model.name, "question", model.description) for model in sorted(load_models(), key=lambda model: model.name)
    ]
    return Answer(("name", "kind", "meaning"), lines)


def _what_to_run(empty: Sequence[str]) -> str:
    if "videos" in empty:
        return "The lake is empty: put videos into the project's folder and run `videopasta run` first."
    return f"Nothing yet in {', '.join(empty)}: `videopasta plan` says what is missing, `videopasta run` makes it."


def _cell(value: object) -> object:
    return f"{value:.4g}" if isinstance(value, float) else value


def _csv(columns: Iterable[str], rows: Iterable[Sequence[Any]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()
