"""Verified preference pairs for Video-LLMs, as data assets on Dagster."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from dbt_like_sql.reader import Reader

__version__ = "0.1.0"


def connect(project: "Path | str | None" = None) -> "Reader":
    """Open a project's lake for questions: `connect("my-project").sql("FROM retention_by_mode").df()`.

    Args:
        project: its folder; without one, what `VIDEOPASTA_PROJECT` names, or the current folder.

    Raises:
        UserError: there is no project, or its file has a mistake.
    """
    from dbt_like_sql.reader import open_reader

    return open_reader(project)
