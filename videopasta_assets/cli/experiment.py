"""`videopasta experiment`: reproduce a claim about the method, from videos to a page with intervals."""

import platform
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
import yaml

from videopasta_assets.cli.console import print_json, say
from videopasta_assets.cli.init import init
from videopasta_assets.cli.options import JsonOption, open_project
from videopasta_assets.cli.run import bring_up_to_date
from videopasta_assets.cli.toyworld import toyworld

if TYPE_CHECKING:
    from videopasta_assets.experiments.report import Page
    from videopasta_assets.stages.project import Project


def experiment(
    name: Annotated[Literal["truth"], typer.Argument(help="truth: base, SFT, DPO on unfiltered, verified, one mode.")],
    folder: Annotated[
        Path, typer.Option("--dir", help="The experiment's project; it goes on where it stopped.")
    ] = Path("truth-experiment"),
    videos: Annotated[int, typer.Option(min=1, help="Videos that pairs are made from.")] = 72,
    benchmark_videos: Annotated[int, typer.Option(min=1, help="Held-out videos.")] = 100,
    items: Annotated[int, typer.Option(min=1, help="Items a held-out video.")] = 9,
    seeds: Annotated[int, typer.Option(min=1, help="Training runs of each arm.")] = 3,
    pairs: Annotated[int, typer.Option(min=1, help="Pairs that each run trains on.")] = 240,
    learning_rate: Annotated[float, typer.Option(help="Of every arm.")] = 2e-4,
    epochs: Annotated[float, typer.Option(help="Of every arm.")] = 2,
    beta: Annotated[float, typer.Option(help="Of DPO.")] = 0.1,
    check: Annotated[
        Literal["text", "self_consistency", "video"], typer.Option(help="Check of aligned responses before pairing.")
    ] = "self_consistency",
    as_json: JsonOption = False,
) -> None:
    """Run an experiment on toyworld with the embedded model, and write a page about it.

    Everything is computed in a project of its own; a second call with the same options finds nothing stale.
    """
    from videopasta_assets.config.settings import AlignedCheckSettings
    from videopasta_assets.experiments.report import render

    started = time.monotonic()
    training = {"learning_rate": learning_rate, "epochs": epochs, "beta": beta}
    _prepare(folder, seeds=seeds, pairs=pairs, training=training, check=AlignedCheckSettings(method=check))
    toyworld(project=folder, videos=videos, benchmark_videos=benchmark_videos, items=items, seed=0)
    project = open_project(folder)
    bring_up_to_date(project)
    page = _page(project, name, seeds, time.monotonic() - started)
    target = project.settings.root / f"{name}.html"
    target.write_text(render(page), encoding="utf-8")
    if as_json:
        print_json({"page": target, "effects": [vars(effect) for effect in page.effects], "pairs": page.pairs})
    else:
        say(f"Wrote {target}.")


def _prepare(folder: Path, **options: Any) -> None:
    """The project's file; written anew each time, because the options decide it."""
    from videopasta_assets.config import CONFIG_NAME
    from videopasta_assets.config.presets import preset_text
    from videopasta_assets.experiments.truth import project_settings

    if not (folder / CONFIG_NAME).exists():
        init(folder, preset="embedded")
    settings = project_settings(yaml.safe_load(preset_text("embedded")), **options)
    text = "# Written by `videopasta experiment`; it is written again by each call.\n" + yaml.safe_dump(settings)
    (folder / CONFIG_NAME).write_text(text, encoding="utf-8")


def _page(project: "Project", name: str, seeds: int, seconds: float) -> "Page":
    import torch
    import transformers

    from videopasta_assets.experiments import comparison
    from videopasta_assets.experiments.report import Page
    from videopasta_assets.experiments.truth import BENCHMARK
    from videopasta_assets.lake import connect

    connection = connect(project.lake)
    answers = comparison.load_answers(connection, BENCHMARK, seeds)

    def against(other: str) -> tuple[float, float, float] | None:
        both = {"dpo_verified", other} <= answers.arms.keys()
        return comparison.between(answers, "dpo_verified", other) if both else None

    versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
    return Page(
        title=f"Experiment {name}: does the data teach?",
        command=f"videopasta {shlex.join(sys.argv[1:])}",
        machine=f"{platform.machine()}, Python {platform.python_version()}, {versions}",
        model=project.model_id("responder"),
        effects=comparison.effects(answers),
        verified_minus_sft=against("sft"),
        verified_minus_unfiltered=against("dpo_unfiltered"),
        pairs=comparison.pair_quality(connection),
        verifier=comparison.verifier_quality(connection),
        seconds=seconds,
    )
