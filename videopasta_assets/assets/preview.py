"""Previews in a materialization's metadata: Markdown tables and pictures. Every text in them is escaped."""

import base64
import html
from collections.abc import Mapping, Sequence
from typing import Any, Final

import dagster as dg

from resources.artifact import asset_key
from videopasta_assets.reports.document import Page, Report, cell
from videopasta_assets.reports.figures import png
from videopasta_assets.stages.project import Project

_CELL: Final = 160
_SPECIAL: Final = str.maketrans({character: f"\\{character}" for character in "\\`*_[]|~#!"})


def markdown_table(rows: Sequence[Mapping[str, Any]], most: int = _CELL) -> str:
    """`rows` as a Markdown table; a text of a model or a file name in it stays text, cut to `most` characters."""
    if not rows:
        return "no rows"
    names = list(rows[0])
    return _table(names, [[_cell(row.get(name), most) for name in names] for row in rows])


def markdown_picture(png: bytes, title: str) -> str:
    """A PNG as a Markdown image that carries its own data."""
    return f"![{_cell(title)}](data:image/png;base64,{base64.b64encode(png).decode()})"


def report_metadata(page: Page | None) -> dict[str, Any]:
    """A report as metadata: all of it, to be read in the web interface, and where its page lies; none without a report.

    It is no link: a browser opens no file for a page of the web, and the interface may run on another machine.
    """
    if page is None:
        return {}
    return {
        "report": dg.MetadataValue.md(report_markdown(page.report)),
        "report file": dg.MetadataValue.path(str(page.path)),
    }


def report_markdown(report: Report) -> str:
    """A report as Markdown; its plots are pictures that carry their own data."""
    parts = [f"# {_plain(report.title)}", _plain(report.summary)]
    parts.append(_table(("", ""), [(_plain(name), _plain(cell(value))) for name, value in report.facts]))
    for section in report.sections:
        parts += [f"## {_plain(section.title)}", *map(_plain, section.notes)]
        if section.plot is not None:
            parts.append(markdown_picture(png(section.plot.figure), section.plot.meaning))
        for shown in section.tables:
            rows = [[_plain(cell(value)) for value in row] for row in shown.rows]
            rows = [[f"*{text}*" for text in row] if place in shown.marked else row for place, row in enumerate(rows)]
            parts.append(_table([_plain(column) for column in shown.columns], rows))
        for card in section.cards:  # without pictures: metadata is kept in Dagster's database for ever
            lines = [f"- *{_plain(line.name)}*: {_plain(line.text)}" for line in card.lines]
            parts += [f"### {_plain(card.title)}", "\n".join(lines)]
    return "\n\n".join(parts)


def column_lineage(project: Project, sources: Mapping[str, Sequence[tuple[str, str]]]) -> dict[str, Any]:
    """Metadata that says from which columns of which tables a table's columns come."""
    return {
        "dagster/column_lineage": dg.TableColumnLineage(
            {
                column: [dg.TableColumnDep(asset_key(project, table), name) for table, name in origins]
                for column, origins in sources.items()
            }
        )
    }


def _cell(value: Any, most: int = _CELL) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    text = " ".join(str(value).split())
    return _plain(text if len(text) <= most else f"{text[: most - 1]}…")


def _plain(text: str) -> str:
    """`text` as Markdown that shows just it, on one line."""
    return html.escape(" ".join(text.split()).translate(_SPECIAL), quote=False)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
