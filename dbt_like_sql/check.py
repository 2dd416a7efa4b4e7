"""What must hold of a model's result, as a query for the rows that break it.

Kinds: `unique a, b` | `not_null a, b` | `accepted_values a (x, y)` | `refers a -> table.b` | `holds <expression>`.
"""

import re
from dataclasses import dataclass
from typing import Final

import sqlglot

from videopasta_assets.errors import UserError

_FORM: Final = {
    "unique": re.compile(r"^(?P<columns>\w+(?:\s*,\s*\w+)*)$"),
    "not_null": re.compile(r"^(?P<columns>\w+(?:\s*,\s*\w+)*)$"),
    "accepted_values": re.compile(r"^(?P<column>\w+)\s*\((?P<values>[^()]+)\)$"),
    "refers": re.compile(r"^(?P<column>\w+)\s*->\s*(?P<table>\w+)\.(?P<other>\w+)$"),
    "holds": re.compile(r"^(?P<expression>.+)$"),
}


@dataclass(frozen=True)
class SqlCheck:
    """One check line: its kind and the text after it."""

    kind: str
    text: str

    @property
    def name(self) -> str:
        """Name of the asset check."""
        return re.sub(r"\W+", "_", f"{self.kind}_{self.text}").strip("_").lower()[:80]

    def violations(self, model: str) -> str:
        """A query for the rows of `model` that break the check."""
        parts = _parts(self.kind, self.text)
        if self.kind == "unique":
            return (
                f'SELECT {parts["columns"]}, count(*) AS occurrences FROM "{model}" '
                f"GROUP BY {parts['columns']} HAVING count(*) > 1"
            )
        if self.kind == "not_null":
            columns = [column.strip() for column in parts["columns"].split(",")]
            return f'SELECT * FROM "{model}" WHERE ' + " OR ".join(f"{column} IS NULL" for column in columns)
        if self.kind == "accepted_values":
            values = ", ".join("'" + value.strip().replace("'", "''") + "'" for value in parts["values"].split(","))
            return f'SELECT * FROM "{model}" WHERE {parts["column"]} NOT IN ({values})'
        if self.kind == "refers":
            return (
                f'SELECT * FROM "{model}" WHERE {parts["column"]} IS NOT NULL AND {parts["column"]} NOT IN '
                f'(SELECT {parts["other"]} FROM "{parts["table"]}" WHERE {parts["other"]} IS NOT NULL)'
            )
        return f'SELECT * FROM "{model}" WHERE NOT ({parts["expression"]})'

    def __str__(self) -> str:
        return f"{self.kind} {self.text}"


def parse_check(line: str, where: str) -> SqlCheck:
    """The check that a header line declares.

    Raises:
        UserError: no such kind, or not its form.
    """
    kind, _, text = line.partition(" ")
    if kind not in _FORM:
        raise UserError(f"unknown check {kind!r}", where=where, fix=f"Use one of: {', '.join(_FORM)}.")
    check = SqlCheck(kind, text.strip())
    if not _FORM[kind].match(check.text):
        raise UserError(
            f"check {kind!r} cannot be read: {check.text!r}", where=where, fix="docs/dagster.md shows the forms."
        )
    try:
        sqlglot.parse_one(check.violations("model"), read="duckdb")
    except sqlglot.ParseError as error:
        raise UserError(f"check {check} is no SQL ({error.errors[0]['description']})", where=where) from error
    return check


def _parts(kind: str, text: str) -> dict[str, str]:
    match = _FORM[kind].match(text)
    if match is None:
        raise ValueError(f"check {kind!r} cannot be read: {text!r}")
    return match.groupdict()
