"""A report as data, and its page: every text is escaped by the template, plots and nothing else are markup."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

_PAGE: Final = Path(__file__).parent / "page"


@dataclass(frozen=True)
class Table:
    """Cells by row; numbers stand to the right. `marked` rows are not ours: a paper's."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[object]]
    marked: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Section:
    """A heading with what stands under it.

    Attributes:
        title: heading.
        notes: paragraphs.
        figure: an SVG element from `figures.svg`; trusted markup.
        tables: under the figure.
    """

    title: str
    notes: tuple[str, ...] = ()
    figure: str | None = None
    tables: tuple[Table, ...] = ()


@dataclass(frozen=True)
class Report:
    """A page."""

    title: str
    summary: str
    facts: Sequence[tuple[str, object]]
    sections: Sequence[Section] = field(default_factory=tuple)


def render(report: Report) -> str:
    """The page as HTML that loads nothing."""
    return str(_template().render(report=report, style=(_PAGE / "report.css").read_text(encoding="utf-8")))


def percent(share: float | None) -> str | None:
    """A share as text."""
    return None if share is None else f"{100 * share:.1f} %"


def points(share: float | None) -> str | None:
    """A difference of shares, in points."""
    return None if share is None else f"{100 * share:+.1f}"


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _is_number(value: Any) -> bool:
    text = _cell(value)
    return text == "-" or text[:1].isdigit() or (text[:1] in "+-" and text[1:2].isdigit())


@cache
def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(_PAGE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"cell": _cell}
    environment.tests["numeric"] = _is_number
    return environment.get_template("report.html")
