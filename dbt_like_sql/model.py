"""One SQL model: a file with a header of comments and a query.

    -- What share of slots ended with an accepted adversary.
    -- column adv_mode: Failure mode that the adversary targets.
    -- check: unique recipe, adv_mode
    -- check: holds accepted <= slots

    SELECT ...

The header's first lines say what the model answers, `column` lines what a column means, `check` lines what must
hold of the result. A line `view` says that the result has a row for each row of a table: it is counted and checked,
but no copy of it is written. The query may read every table of the lake and every other model, by bare name.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import sqlglot
from sqlglot import exp
from sqlglot.optimizer.scope import traverse_scope

from dbt_like_sql.check import SqlCheck, parse_check
from videopasta_assets.errors import UserError
from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import TABLES
from videopasta_assets.lake.sql import MANIFESTS

DIALECT: Final = "duckdb"
_NAME: Final = re.compile(r"^[a-z][a-z0-9_]*$")
_COLUMN: Final = re.compile(r"^column (?P<name>\w+): (?P<meaning>.+)$")


@dataclass(frozen=True)
class SqlModel:
    """A parsed model file."""

    name: str
    path: Path
    query: str
    description: str
    columns: Mapping[str, str]
    checks: tuple[SqlCheck, ...]
    is_view: bool
    """Its rows are as many as a table's: nothing is written when it is materialized."""
    references: Mapping[str, int]
    """Tables and models that the query reads, with the line where each is first named."""

    @property
    def statement(self) -> str:
        """The query without the header."""
        lines = self.query.splitlines()
        first = next((place for place, line in enumerate(lines) if not line.startswith("--")), len(lines))
        return "\n".join(lines[first:]).strip()

    @cached_property
    def code_version(self) -> str:
        """Hash of the normalized syntax tree: layout and comments do not count."""
        tree = sqlglot.parse_one(self.query, read=DIALECT)
        return stable_hash(tree.sql(dialect=DIALECT, normalize=True, comments=False), sorted(map(str, self.checks)))


def parse_model(path: Path) -> SqlModel:
    """The model in the file `path`.

    Raises:
        UserError: a name that is no word, a query that does not parse, or a check that is not known; with the line.
    """
    if not _NAME.match(path.stem):
        raise UserError("a model's name is lower case letters, digits and _", where=str(path), fix="Rename the file.")
    text = path.read_text(encoding="utf-8")
    description: list[str] = []
    columns: dict[str, str] = {}
    checks: list[SqlCheck] = []
    is_view = False
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.startswith("--"):
            break
        comment = line.removeprefix("--").strip()
        if column := _COLUMN.match(comment):
            columns[column["name"]] = column["meaning"]
        elif comment.startswith("check:"):
            checks.append(parse_check(comment.removeprefix("check:").strip(), where=f"{path}, line {number}"))
        elif comment == "view":
            is_view = True
        elif comment:
            description.append(comment)
    return SqlModel(
        name=path.stem,
        path=path,
        query=text,
        description=" ".join(description),
        columns=columns,
        checks=tuple(checks),
        is_view=is_view,
        references=_references(text, path),
    )


def _references(text: str, path: Path) -> dict[str, int]:
    try:
        statements = [tree for tree in sqlglot.parse(text, read=DIALECT) if tree is not None]
    except sqlglot.ParseError as error:
        first = error.errors[0] if error.errors else {"line": 1, "description": str(error)}
        raise UserError(
            f"this SQL does not parse ({first['description']})", where=f"{path}, line {first['line']}"
        ) from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Query):
        raise UserError("a model is exactly one SELECT", where=f"{path}, line 1", fix="Split it into one file a query.")
    found: dict[str, int] = {}
    named = {literal.this for literal in statements[0].find_all(exp.Literal) if literal.is_string}
    for scope in traverse_scope(statements[0]):
        for source in scope.sources.values():
            if isinstance(source, exp.Table) and source.name:
                line = int(source.this.meta.get("line", 1))
                found[source.name] = min(line, found.get(source.name, line))
    if MANIFESTS in found:  # the footers of the tables that the query asks for by name
        found |= {table: found[MANIFESTS] for table in TABLES if table in named}
    return found
