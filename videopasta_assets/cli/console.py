"""Where the commands write: results to standard output, progress and complaints to standard error."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

OUT: Final = Console(soft_wrap=True)
"""Results. Lines are never wrapped: the terminal does that, and scripts need whole lines."""

ERR: Final = Console(stderr=True, soft_wrap=True)
"""Progress, hints and errors."""


def print_json(data: Mapping[str, Any] | Sequence[Any]) -> None:
    """`data` as JSON, for scripts; dates and paths as text."""
    OUT.file.write(json.dumps(data, indent=2, default=str, ensure_ascii=False) + "\n")


def say(message: str) -> None:
    """One line to the user that is no result."""
    ERR.print(Text(message))


def table(title: str, columns: Iterable[str], rows: Iterable[Sequence[object]], *, right: Iterable[str] = ()) -> Table:
    """A table for people. Cells are shown as they are: nothing in them is markup.

    Args:
        title: above the table.
        columns: headings.
        rows: cells; None is shown as a dash.
        right: headings of the columns that are aligned to the right.
    """
    aligned = set(right)
    drawn = Table(title=title or None, title_justify="left", header_style="bold", title_style="bold")
    for column in columns:
        drawn.add_column(column, justify="right" if column in aligned else "left", overflow="fold")
    for row in rows:
        drawn.add_row(*(Text("-" if cell is None else str(cell)) for cell in row))
    return drawn


def print_table(drawn: Table) -> None:
    """Print a table within the terminal's width; a pipe gets 160 columns."""
    _console().print(drawn, soft_wrap=False)


def print_rows(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print rows as a table; where the headings alone do not fit, each row by itself, a line a column."""
    console = _console()
    if sum(len(column) + 3 for column in columns) < console.width:
        console.print(table("", columns, rows), soft_wrap=False)
        return
    for number, row in enumerate(rows, 1):
        drawn = Table(title=f"row {number}", title_justify="left", title_style="bold", show_header=False)
        drawn.add_column(style="bold", no_wrap=True)
        drawn.add_column(overflow="fold")
        for column, cell in zip(columns, row, strict=True):
            drawn.add_row(Text(column), Text("-" if cell is None else str(cell)))
        console.print(drawn, soft_wrap=False)


def _console() -> Console:
    return OUT if OUT.is_terminal else Console(width=160)
