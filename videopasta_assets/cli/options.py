"""Options that several commands share."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from videopasta_assets.errors import UserError

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

ShardsOption = Annotated[
    list[str] | None,
    typer.Option("--shards", help="Only these shards, comma separated; may be repeated.", show_default="all"),
]

SelectOption = Annotated[
    list[str] | None,
    typer.Option("--select", help="Only these assets, comma separated; may be repeated.", show_default="all"),
]

LimitOption = Annotated[
    int | None,
    typer.Option("--limit", min=1, help="At most so many shards that have work, oldest first.", show_default="all"),
]

PartOption = Annotated[
    str | None,
    typer.Option(
        "--part",
        metavar="INDEX/COUNT",
        help="Only every COUNT-th shard, from INDEX (0 to COUNT-1) on, and only assets of shards: for machines that "
        "share a project.",
        show_default="all",
    ),
]

RetryOption = Annotated[bool, typer.Option("--retry-failed", help="Try error rows again.")]

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]

HERE: Final = Path()

RECORDS_VARIABLE: Final = "VIDEOPASTA_RECORDS"
"""Names the folder of Dagster's records, where it is not the project's `.dagster`: SQLite wants a disk of its own
machine, and a project may lie on a network's."""


def named(kind: str, given: Sequence[str] | None, known: Sequence[str]) -> list[str] | None:
    """The comma separated words of `given`, each one of `known`; None where nothing is given.

    Raises:
        UserError: a word is not known.
    """
    if not given:
        return None
    words = [word.strip() for part in given for word in part.split(",") if word.strip()]
    wrong = [word for word in words if word not in known]
    if wrong:
        shown = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
        raise UserError(f"there is no {kind} {wrong[0]!r}", fix=f"Known: {shown or 'none yet'}.")
    return words


def shards_of_part(part: str, shards: Sequence[str]) -> list[str]:
    """The shards of `part`, which is INDEX/COUNT: every COUNT-th one, so that parts grow alike.

    Raises:
        UserError: it is no such fraction.
    """
    index, _, count = part.partition("/")
    if not (index.isdecimal() and count.isdecimal() and int(index) < int(count)):
        raise UserError(
            f"{part!r} is no part", where="--part", fix="Give INDEX/COUNT with INDEX from 0 to COUNT-1, such as 0/4."
        )
    return list(shards[int(index) :: int(count)])


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
    named = os.environ.get(RECORDS_VARIABLE)
    home = Path(named).absolute() if named else project.settings.root / ".dagster"
    settings = home / "dagster.yaml"
    if not settings.exists():
        home.mkdir(parents=True, exist_ok=True)
        settings.write_text(dagster_settings(), encoding="utf-8")
    return home


def dagster_settings() -> str:
    """Text of a project's `dagster.yaml`."""
    from importlib.resources import files

    return files("resources").joinpath("dagster_home.yaml").read_text(encoding="utf-8")
