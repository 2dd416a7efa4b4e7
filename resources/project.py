"""The project that this process works on."""

import os
from pathlib import Path
from typing import Final

from videopasta_assets.config import load_project
from videopasta_assets.stages.project import Project

PROJECT_VARIABLE: Final = "VIDEOPASTA_PROJECT"


def find_project() -> Project:
    """The project that `VIDEOPASTA_PROJECT` names (its folder or its file); without it, the current folder's.

    Raises:
        UserError: there is no project, or its file has a mistake.
    """
    return open_project(Path(os.environ.get(PROJECT_VARIABLE) or Path.cwd()))


def open_project(path: Path) -> Project:
    """The project at `path`, its folder or its `videopasta.yaml`.

    Raises:
        UserError: there is no project, or its file has a mistake.
    """
    return Project(load_project(path.expanduser().resolve()))


def reopen_project(project: Project) -> Project:
    """The project as its file and its prompts are now: a code location lives for weeks, and people edit.

    Raises:
        UserError: its file is gone or has a mistake.
    """
    return open_project(project.settings.root)
