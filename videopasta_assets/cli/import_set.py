"""`videopasta import`: preference pairs that others made, as a recipe of the project."""

from pathlib import Path
from typing import Annotated

import typer

from videopasta_assets.cli.console import OUT, print_json
from videopasta_assets.cli.options import HERE, JsonOption, ProjectOption, open_project
from videopasta_assets.errors import UserError

_SHOWN = 5


def import_set(
    file: Annotated[Path, typer.Argument(help="A JSONL file of pairs, such as LLaVA-Hound's sft_dpo_17k.jsonl.")],
    name: Annotated[str, typer.Option("--as", help="Name of the set: the recipe and key prefix of its assets.")],
    project: ProjectOption = HERE,
    mode: Annotated[
        str, typer.Option(help="Failure mode of pairs that name none: spatial, temporal or cross_frame.")
    ] = "temporal",
    as_json: JsonOption = False,
) -> None:
    """Read a file of preference pairs about the project's videos, as a recipe that `recipe: NAME` switches to.

    Lines that are no pair, or whose video is not in the folder, are put aside with their number: nothing is lost.
    """
    from videopasta_assets.config.recipe import RecipeSettings
    from videopasta_assets.stages.recipes import recipe_names
    from videopasta_assets.stages.recipes.imported import import_preferences
    from videopasta_assets.taxonomy import MODES, FailureMode

    opened = open_project(project)
    if name in recipe_names():
        raise UserError(f"{name!r} is a recipe that makes its own pairs", where="--as", fix="Choose another name.")
    try:
        RecipeSettings(name=name)
    except ValueError as error:
        fix = "Use lower-case letters, digits and _, beginning with a letter."
        raise UserError(f"{name!r} cannot name a recipe", where="--as", fix=fix) from error
    if mode not in MODES:
        raise UserError(f"there is no failure mode {mode!r}", where="--mode", fix=f"Use one of {', '.join(MODES)}.")
    done = import_preferences(opened, file, name, FailureMode(mode))
    if as_json:
        aside = [{"line": one.line, "fault": one.fault} for one in done.aside]
        print_json({"pairs": done.pairs, "file": done.path, "aside": aside, "quarantine": done.quarantine})
        return
    OUT.print(f"{done.pairs} pairs kept in {done.path}", highlight=False)
    for one in done.aside[:_SHOWN]:
        OUT.print(f"{file}, line {one.line}: {one.fault}", highlight=False, markup=False)
    if done.quarantine is not None:
        more = f" ({len(done.aside) - _SHOWN} more)" if len(done.aside) > _SHOWN else ""
        OUT.print(f"{len(done.aside)} lines put aside in {done.quarantine}{more}", highlight=False)
    OUT.print(f"use it     recipe: {name}", highlight=False)
