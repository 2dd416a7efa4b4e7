"""Options that several commands share."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from videopasta_assets.stages.project import Project

PROJECT_VARIABLE: Final = "VIDEOPASTA_PROJECT"

ProjectOption = Annotated[
    Path,
    typer.Option(
        "--project",
        "-p",
        envvar=PROJECT_VARIABLE,
        help="Folder of the project, or its videopasta.yaml.",
        show_default="the current folder",
    ),
]
"""Which project a command works on. Given before the command it reaches the command through the environment."""

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]

HERE: Final = Path()


def open_project(path: Path) -> "Project":
    """The project at `path`; child processes and Dagster's definitions find the same one.

    Raises:
        UserError: there is no project, or its file has a mistake.
    """
    from resources.project import open_project as opened

    project = opened(path)
    os.environ[PROJECT_VARIABLE] = str(project.settings.root)
    return project


def dagster_home(project: "Project") -> Path:
    """Where Dagster keeps the project's runs; made with its settings file when it is not there."""
    home = project.settings.root / ".dagster"
    settings = home / "dagster.yaml"
    if not settings.exists():
        home.mkdir(parents=True, exist_ok=True)
        settings.write_text(dagster_settings(), encoding="utf-8")
    return home


def dagster_settings() -> str:
    """Text of a project's `dagster.yaml`."""
    from importlib.resources import files

    return files("resources").joinpath("dagster_home.yaml").read_text(encoding="utf-8")
