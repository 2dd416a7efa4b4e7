"""`videopasta timewar`: the TimeWar benchmark, from held-out videos."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from videopasta_assets.cli.console import OUT, print_json
from videopasta_assets.cli.options import HERE, JsonOption, ProjectOption, open_project


def timewar(
    project: ProjectOption = HERE,
    out: Annotated[
        Path | None, typer.Option(help="Folder to write.", show_default="benchmarks/timewar of the project")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write TimeWar's two variants, original and reordered, from the videos that timewarp_explicit holds out."""
    from videopasta_assets.stages.timewar import write_timewar

    opened = open_project(project)
    made = write_timewar(opened, out or opened.settings.root / "benchmarks" / "timewar")
    if as_json:
        print_json(asdict(made))
        return
    OUT.print(f"Wrote {made.folder}", highlight=False, markup=False)
    for said in made.lines:
        OUT.print(said, highlight=False, markup=False)
    line = "{name: timewar, format: timewar, items: " + str(made.folder) + "}"
    OUT.print(f"score on it  evaluation: {{benchmarks: [{line}]}}", highlight=False, markup=False)
