"""What an analysis found: rows of `analysis_results`, and a page with a plot."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import TABLES, Row
from videopasta_assets.reports.document import Page, Report, render
from videopasta_assets.stages.project import Project

TABLE = "analysis_results"


@dataclass(frozen=True)
class Measured:
    """One value; see the columns of `analysis_results`."""

    cell: str
    benchmark: str | None
    scope: str
    measure: str
    value: float | None
    low: float | None = None
    high: float | None = None
    items: int | None = None
    seed: int | None = None
    note: str | None = None

    @property
    def percent(self) -> str | None:
        """A share's value as a table shows it."""
        return None if self.value is None else f"{100 * self.value:.1f}"


@dataclass(frozen=True)
class Analysis:
    """Values and the page that shows them."""

    name: str
    measured: Sequence[Measured]
    report: Report


def keep(project: Project, analysis: Analysis) -> tuple[Page, str]:
    """Write the values to `analysis_results` and the page beside it; returns the page and the table's data version.

    Values that say the same leave the table as it is.
    """
    schema = TABLES[TABLE]
    rows: list[Row] = []
    for one in analysis.measured:
        key = stable_hash(one.cell, one.seed, one.benchmark, one.scope, one.measure)
        row = {"row_key": key, "analysis": analysis.name, **asdict(one)}
        rows.append(schema.versioned({**row, "provenance": stable_hash(row)}))
    address = project.address(TABLE, analysis.name)
    with project.lake.lock(address):
        held = project.lake.manifest(address)
        known = {row["data_version"] for row in project.lake.rows(address)}
        if held is None or known != {row["data_version"] for row in rows}:
            held = project.lake.write(address, rows, {"analysis": analysis.name})
    path = project.lake.write_file(f"reports/analyses/{analysis.name}.html", render(analysis.report).encode())
    return Page(analysis.report, path), held.data_version
