"""A report as data, and its page: every text is escaped by the template, plots and nothing else are markup."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from videopasta_assets.lake.objects import LakePath
from videopasta_assets.reports.figures import svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PAGE: Final = Path(__file__).parent / "page"


@dataclass(frozen=True)
class Table:
    """Cells by row; numbers stand to the right. `marked` rows are not ours: a paper's."""

    columns: tuple[str, ...]
    rows: Sequence[Sequence[object]]
    marked: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Plot:
    """A figure, and what it means in words: read to those who do not see it."""

    figure: "Figure"
    meaning: str


@dataclass(frozen=True)
class Line:
    """A text of a card under its name; `good` says whether it is as it should be, None where that is no question."""

    name: str
    text: str
    good: bool | None = None


@dataclass(frozen=True)
class Card:
    """One example.

    Attributes:
        title: what it is about.
        lines: what is to be read.
        picture: a PNG, and what it shows; None with the reason as the text.
    """

    title: str
    lines: tuple[Line, ...]
    picture: bytes | None
    meaning: str

    @property
    def source(self) -> str | None:
        """The picture as a data URI."""
        return None if self.picture is None else f"data:image/png;base64,{base64.b64encode(self.picture).decode()}"


@dataclass(frozen=True)
class Section:
    """A heading with what stands under it.

    Attributes:
        title: heading.
        notes: paragraphs.
        plot: a picture.
        tables: under the figure.
        cards: examples, under the tables.
    """

    title: str
    notes: tuple[str, ...] = ()
    plot: Plot | None = None
    tables: tuple[Table, ...] = ()
    cards: tuple[Card, ...] = ()


@dataclass(frozen=True)
class Report:
    """A page."""

    title: str
    summary: str
    facts: Sequence[tuple[str, object]]
    sections: Sequence[Section] = field(default_factory=tuple)


@dataclass(frozen=True)
class Page:
    """A report that was written to the lake as HTML.

    Attributes:
        report: what it says, to be shown elsewhere too.
        path: the file.
    """

    report: Report
    path: LakePath


def render(report: Report) -> str:
    """The page as HTML that loads nothing."""
    return str(_template().render(report=report, style=(_PAGE / "report.css").read_text(encoding="utf-8")))


def percent(share: float | None) -> str | None:
    """A share as text."""
    return None if share is None else f"{100 * share:.1f} %"


def points(share: float | None) -> str | None:
    """A difference of shares, in points."""
    return None if share is None else f"{100 * share:+.1f}"


def cell(value: Any) -> str:
    """A value of a table as text."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _is_number(value: Any) -> bool:
    text = cell(value)
    return text == "-" or text[:1].isdigit() or (text[:1] in "+-" and text[1:2].isdigit())


@cache
def _template() -> Any:
    environment = Environment(
        loader=FileSystemLoader(_PAGE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"cell": cell, "svg": lambda plot: svg(plot.figure, plot.meaning)}
    environment.tests["numeric"] = _is_number
    return environment.get_template("report.html")
