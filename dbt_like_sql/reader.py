"""Questions to a project's lake in SQL: only queries are run, and a mistake points at its word."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import sqlglot
from sqlglot import exp

from dbt_like_sql.catalog import PROVIDED, load_models
from dbt_like_sql.model import DIALECT
from dbt_like_sql.views import connect
from videopasta_assets.errors import UserError
from videopasta_assets.lake import TABLES
from videopasta_assets.lake.sql import RECORDS
from videopasta_assets.stages.project import Project

if TYPE_CHECKING:  # imported on use: most processes ask no SQL
    import duckdb

_EXPLAIN: Final = re.compile(r"^\s*explain(\s+analyze|\s*\([^)]*\))?\s+", re.IGNORECASE)
_PICTURE: Final = re.compile(r"\n+LINE (?P<line>\d+): (?P<text>.*)\n(?P<caret> *\^+)", re.DOTALL)
_MISSING: Final = re.compile(r"Table with name (\S+) does not exist")


class SqlError(UserError):
    """A query that cannot be run. `picture` is the line of it with carets under the word; empty without a place."""

    def __init__(self, what: str, *, fix: str, picture: str = "") -> None:
        super().__init__(what, where="SQL", fix=fix)
        self.picture = picture


@dataclass(frozen=True)
class Answer:
    """Columns and rows of one query."""

    columns: tuple[str, ...]
    rows: list[tuple[Any, ...]]


class Reader:
    """Reads a project's lake: each table and each model is a view. Several readers and a writer do not disturb."""

    def __init__(self, project: Project) -> None:
        """Open the lake.

        Raises:
            UserError: a model is broken.
        """
        self._lake = project.lake
        self._connection = connect(project.lake, recipe=project.settings.recipe)

    def sql(self, query: str) -> "duckdb.DuckDBPyRelation":
        """The query's result, lazily: `.df()`, `.to_arrow_table()`, `.fetchall()`, or printed.

        Raises:
            SqlError: no valid SQL, more than one statement, or a statement that is no query.
        """
        import duckdb

        self._checked(query)
        try:
            return self._connection.sql(query)
        except duckdb.Error as error:
            raise self._mistake(error) from error

    def ask(self, query: str) -> Answer:
        """Columns and all rows of one query, or of EXPLAIN and a query.

        Raises:
            SqlError: as `sql`, or the query fails while it runs.
        """
        import duckdb

        self._checked(query)
        try:
            result = self._connection.execute(query)
            return Answer(tuple(column[0] for column in result.description or ()), result.fetchall())
        except duckdb.Error as error:
            raise self._mistake(error) from error

    def question(self, name: str) -> Answer:
        """The whole of a table or a ready-made question.

        Raises:
            UserError: there is none of that name.
        """
        model = next((model for model in load_models() if model.name == name), None)
        if model is None and name not in names():
            raise UserError(f"no table or question is named {name!r}", fix=_nearest(name))
        return self.ask(model.query if model else f'SELECT * FROM "{name}"')

    def schema(self, name: str | None = None) -> Answer:
        """Every column of every table and question: table, kind, column, type, meaning.

        Raises:
            UserError: there is none named `name`.
        """
        if name is not None and name not in names():
            raise UserError(f"no table or question is named {name!r}", fix=_nearest(name))
        rows = self._connection.execute(
            "SELECT table_name, column_name, data_type, comment FROM duckdb_columns() WHERE NOT internal "
            "AND ($1 IS NULL OR table_name = $1) ORDER BY table_name, column_index",
            [name],
        ).fetchall()
        kinds = {model.name: "question" for model in load_models()}
        listed = [(table, kinds.get(table, "table"), *rest) for table, *rest in rows]
        return Answer(("table", "kind", "column", "type", "meaning"), listed)

    def empty_tables(self, query: str) -> list[str]:
        """Tables that the query reads, through models too, and that hold nothing yet; in pipeline order."""
        read, wanted = set[str](), _tables_of(query)
        models = {model.name: model for model in load_models()}
        while wanted:
            name = wanted.pop()
            read.add(name)
            if name in models:
                wanted |= set(models[name].references) - read
        return [name for name in TABLES if name in read and not self._lake.has_rows(name)]

    def close(self) -> None:
        """Let go of the lake."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _checked(self, query: str) -> None:
        import duckdb

        explained = _EXPLAIN.sub("", query, count=1)
        try:
            statements: Sequence[duckdb.Statement] = self._connection.extract_statements(explained)
        except duckdb.Error as error:
            raise self._mistake(error) from error
        if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
            raise SqlError(
                "only a single query can be run here", fix="The lake is read-only: begin with SELECT or WITH."
            )

    def _mistake(self, error: Exception) -> SqlError:
        message = str(error)
        what, *_ = re.split(r"\n\s*(?:LINE \d+:|Candidate functions:|Did you mean)", message, maxsplit=1)
        missing = _MISSING.search(message)
        fix = _nearest(missing[1]) if missing else "`videopasta sql --list` shows the tables."
        return SqlError(" ".join(what.split()), fix=fix, picture=_picture(message))


def open_reader(project: Path | str | None = None) -> Reader:
    """A reader of the project in a folder; without one, of the one that `VIDEOPASTA_PROJECT` names, or the current.

    Raises:
        UserError: there is no project, or its file has a mistake.
    """
    from resources.project import find_project, open_project

    return Reader(find_project() if project is None else open_project(Path(project)))


def names() -> list[str]:
    """Every table and every ready-made question."""
    return sorted({*TABLES, *RECORDS, *PROVIDED, *(model.name for model in load_models())})


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(name.strip('"'), names(), n=1, cutoff=0.5)
    return f"Did you mean {near[0]!r}?" if near else "`videopasta sql --list` shows the tables and questions."


def _picture(message: str) -> str:
    found = _PICTURE.search(message)
    if found is None:
        return ""
    head = f"LINE {found['line']}: "
    # DuckDB counts its carets from the start of "LINE n: ".
    return f"{head}{found['text']}\n{found['caret']}"


def _tables_of(query: str) -> set[str]:
    try:
        tree = sqlglot.parse_one(_EXPLAIN.sub("", query, count=1), read=DIALECT)
    except sqlglot.ParseError:  # DuckDB reads more than sqlglot does
        return set()
    return {table.name for table in tree.find_all(exp.Table)}
