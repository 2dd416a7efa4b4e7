"""`videopasta init`: a project folder with its commented settings."""

from pathlib import Path
from typing import Annotated

import typer

from videopasta_assets.cli.console import say
from videopasta_assets.cli.options import dagster_settings

_IGNORED = """\
# What is made, not written: everything but videopasta.yaml.
/.dagster/*
!/.dagster/dagster.yaml
/benchmark/
/cache/
/lake/
/truth/
/videos/
"""


def init(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The project's folder; it is made if need be.")],
    preset: Annotated[
        str, typer.Option(help="Values to begin with: embedded (CPU, no download) or videopasta-7b (the paper's).")
    ] = "embedded",
) -> None:
    """Write a project: a commented videopasta.yaml, Dagster's settings and a folder for videos.

    Never overwrites a project that is there.
    """
    from videopasta_assets.config import CONFIG_NAME
    from videopasta_assets.config.presets import preset_text
    from videopasta_assets.config.template import project_file
    from videopasta_assets.errors import UserError

    settings = folder / CONFIG_NAME
    text = project_file(preset_text(preset))
    if settings.exists():
        raise UserError("a project is here already", where=str(settings), fix="Edit it, or choose another folder.")
    try:
        (folder / ".dagster").mkdir(parents=True, exist_ok=True)
        (folder / "videos").mkdir(exist_ok=True)
        for path, content in (
            (folder / ".dagster" / "dagster.yaml", dagster_settings()),
            (folder / ".gitignore", _IGNORED),
        ):
            if not path.exists():
                path.write_text(content, encoding="utf-8")
        settings.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"cannot write a project ({error.strerror})", where=str(folder), fix="Choose another folder."
        ) from error
    say(f"Wrote {settings}. Put videos into {folder / 'videos'}, then: videopasta run --project {folder}")
