"""Previews in a materialization's metadata: Markdown tables and pictures. Every text in them is escaped."""

import base64
import html
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import dagster as dg

from resources.artifact import asset_key
from videopasta_assets.stages.project import Project

_CELL: Final = 160
_SPECIAL: Final = str.maketrans({character: f"\\{character}" for character in "\\`*_[]|~#!"})


def markdown_table(rows: Sequence[Mapping[str, Any]]) -> str:
    """`rows` as a Markdown table; a text of a model or a file name in it stays text."""
    if not rows:
        return "no rows"
    names = list(rows[0])
    lines = [names, ["---"] * len(names), *([_cell(row.get(name)) for name in names] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def markdown_picture(png: bytes, title: str) -> str:
    """A PNG as a Markdown image that carries its own data."""
    return f"![{_cell(title)}](data:image/png;base64,{base64.b64encode(png).decode()})"


def report_link(path: Path | None) -> dict[str, Any]:
    """Metadata that leads to a report on this machine; none where there is no report.

    A browser opens no file for a page of the web: beside the link there is the path, to be copied.
    """
    if path is None:
        return {}
    return {"report": dg.MetadataValue.url(path.as_uri()), "report file": dg.MetadataValue.path(str(path))}


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


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    text = " ".join(str(value).split())
    text = text if len(text) <= _CELL else f"{text[: _CELL - 1]}…"
    return html.escape(text.translate(_SPECIAL), quote=False)
