"""Previews in a materialization's metadata: Markdown tables and pictures. Every text in them is escaped."""

import base64
import html
from collections.abc import Mapping, Sequence
from typing import Any, Final

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


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    text = " ".join(str(value).split())
    text = text if len(text) <= _CELL else f"{text[: _CELL - 1]}…"
    return html.escape(text.translate(_SPECIAL), quote=False)
