"""The papers' values as views: literals of the connection, so that nothing has to be materialized to ask them."""

from collections.abc import Iterable
from dataclasses import fields
from typing import TYPE_CHECKING, Final

from videopasta_assets.evaluation.references import (
    ReferenceGain,
    ReferenceScore,
    reference_gains,
    reference_scores,
)
from videopasta_assets.lake.sql import comment_on, quoted

if TYPE_CHECKING:  # imported on use: most processes that load the models ask no SQL
    import duckdb

_SHARED: Final = {
    "paper": "The paper, by name and arXiv number.",
    "table": "Which of its tables: papers disagree about one model, and so may two tables.",
    "model": "The model or the setting, as the table names it.",
    "benchmark": "The benchmark, as the table names it.",
}
MEANINGS: Final = {
    "reference_scores": (
        "What the papers report, in percent: of other videos, frames and judges than ours, and never a target.",
        {**_SHARED, "about": "What the table is about.", "value": "Percent."},
    ),
    "reference_gains": (
        "Gains that the papers state, beside what their own tables give: percent of the base's score, or points.",
        {
            **_SHARED,
            "base": "What it is compared with.",
            "relative": "Percent of the base's score; otherwise points.",
            "stated": "As the paper says, rounded or cut by it.",
            "recomputed": "From the paper's table, not rounded.",
        },
    ),
}


def add_references(connection: "duckdb.DuckDBPyConnection") -> None:
    """Add the views `reference_scores` and `reference_gains`."""
    _add(connection, "reference_scores", ReferenceScore, reference_scores())
    _add(connection, "reference_gains", ReferenceGain, reference_gains())


def _add(
    connection: "duckdb.DuckDBPyConnection",
    view: str,
    kind: type[ReferenceScore | ReferenceGain],
    rows: Iterable[ReferenceScore | ReferenceGain],
) -> None:
    names = [field.name for field in fields(kind)]
    values = ", ".join(f"({', '.join(_literal(getattr(row, name)) for name in names)})" for row in rows)
    columns = ", ".join(f'"{name}"' for name in names)
    connection.execute(f'CREATE VIEW "{view}" AS SELECT * FROM (VALUES {values}) AS published({columns})')
    comment_on(connection, view, *MEANINGS[view])


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value!r}::DOUBLE" if isinstance(value, float) else quoted(str(value))
