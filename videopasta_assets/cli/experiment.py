"""`videopasta experiment`: reproduce a claim about the method, from videos to a page with intervals."""

import platform
import shlex
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
import yaml

from videopasta_assets.cli.console import print_json, say
from videopasta_assets.cli.init import init
from videopasta_assets.cli.options import JsonOption, open_project
from videopasta_assets.cli.run import bring_up_to_date

if TYPE_CHECKING:
    from videopasta_assets.experiments.truth import Design

_ARMS = "sft,dpo_unfiltered,dpo_verified,dpo_spatial,dpo_temporal,dpo_cross_frame"
_REWRITING = (
    "all_visible,mirrored_relation,reordered,concurrency_swap,reversed_progression,nothing_changed,collapsed_locations"
)
"""Strategies that rewrite what is said; the others open with a phrase, and DPO then teaches the phrase."""


def experiment(
    name: Annotated[Literal["truth"], typer.Argument(help="truth: base, SFT, DPO on unfiltered, verified, one mode.")],
    folder: Annotated[
        Path, typer.Option("--dir", help="The experiment's project; it goes on where it stopped.")
    ] = Path("truth-experiment"),
    videos: Annotated[int, typer.Option(min=1, help="Videos that pairs are made from.")] = 240,
    benchmark_videos: Annotated[int, typer.Option(min=1, help="Held-out videos.")] = 150,
    items: Annotated[int, typer.Option(min=1, help="Items a held-out video.")] = 9,
    split: Annotated[
        Literal["benchmark", "validation"], typer.Option(help="Choose settings on validation, never on benchmark.")
    ] = "benchmark",
    scoring: Annotated[
        Literal["generate", "likelihood"], typer.Option(help="How answers to plain items are read.")
    ] = "likelihood",
    arms: Annotated[
        str, typer.Option(help="Arms, comma separated; dpo_balanced and dpo_on_policy may be added.")
    ] = _ARMS,
    seeds: Annotated[int, typer.Option(min=1, help="Training runs of each arm.")] = 3,
    pairs: Annotated[int, typer.Option(min=1, help="Pairs that each run trains on.")] = 3600,
    learning_rate: Annotated[float, typer.Option(help="Of every arm.")] = 1e-3,
    epochs: Annotated[float, typer.Option(help="Of every arm.")] = 1,
    beta: Annotated[float, typer.Option(help="Of DPO.")] = 0.1,
    sft_weight: Annotated[
        float, typer.Option(min=0, help="Of DPO: weight of the chosen answers' likelihood beside the preference.")
    ] = 1.0,
    strategies: Annotated[
        str, typer.Option(help="Strategies of adversaries, comma separated, or all. Default: those that rewrite.")
    ] = _REWRITING,
    check: Annotated[
        Literal["text", "self_consistency", "video"], typer.Option(help="Check of aligned responses before pairing.")
    ] = "self_consistency",
    samples: Annotated[int, typer.Option(min=1, help="Samples of self_consistency.")] = 4,
    temperature: Annotated[float, typer.Option(help="Of those samples.")] = 0.7,
    agreement: Annotated[float, typer.Option(help="Share of them that must agree.")] = 0.75,
    queries: Annotated[int, typer.Option(min=1, help="Questions a video.")] = 9,
    attempts: Annotated[int, typer.Option(min=1, help="Attempts at an adversary.")] = 2,
    dense: Annotated[int, typer.Option(min=1, help="Frames of aligned responses.")] = 16,
    policy: Annotated[int, typer.Option(min=1, help="Frames of training and scoring; as --dense: the same.")] = 8,
    sparse: Annotated[int, typer.Option(min=1, help="Frames of adversaries.")] = 3,
    as_json: JsonOption = False,
) -> None:
    """Run an experiment on toyworld with the embedded model, and write a page about it.

    Everything is computed in a project of its own; a second call with the same options finds nothing stale, and a
    stopped one goes on: arms that are trained are not trained again.
    """
    from videopasta_assets.experiments.page import experiment_page, guesser
    from videopasta_assets.experiments.report import render, verdict
    from videopasta_assets.experiments.truth import Design

    started = time.monotonic()
    method: dict[str, str | float] = {
        "method": check,
        "samples": samples,
        "temperature": temperature,
        "agreement": agreement,
    }
    named = tuple(_names(arms))
    if policy != dense and "dpo_on_policy" in named:
        method["policy_samples"] = samples
    design = Design(
        arms=named,
        seeds=seeds,
        pairs=pairs,
        split=split,
        scoring=scoring,
        training={"learning_rate": learning_rate, "epochs": epochs, "beta": beta, "sft_weight": sft_weight},
        recipe={"queries_per_video": queries, "max_attempts": attempts, "aligned_check": method}
        | ({} if strategies == "all" else {"strategies": _names(strategies)}),
        frames={"dense": dense, "sparse": sparse, **({} if policy == dense else {"policy": policy})},
    )
    _prepare(folder, design)
    _render_videos(folder, design, videos, benchmark_videos, items)
    project = open_project(folder)
    bring_up_to_date(project)
    page = experiment_page(
        project,
        design,
        command=f"videopasta {shlex.join(sys.argv[1:])}",
        machine=_machine(),
        options={
            "videos": videos,
            "pairs": pairs,
            "seeds": seeds,
            "scoring": scoring,
            **design.training,
            **{key: value for key, value in method.items() if check == "self_consistency" or key == "method"},
            "queries": queries,
            "attempts": attempts,
            "strategies": strategies,
            **design.frames,
            "model": project.model_id("responder"),
        },
        blind=guesser(design, benchmark_videos, items),
        seconds=time.monotonic() - started,
    )
    target = project.settings.root / f"{name}-{split}.html"
    target.write_text(render(page), encoding="utf-8")
    if as_json:
        print_json(
            {
                "page": target,
                "verdict": verdict(page),
                "effects": [vars(effect) for effect in page.effects],
                "against": {other: [vars(effect) for effect in found] for other, found in page.against.items()},
                "refusals": [vars(effect) for effect in page.refusals],
                "blind": page.blind,
                "oracle": page.oracle,
                "budgets": [vars(budget) for budget in page.budgets],
            }
        )
    else:
        say(verdict(page))
        say(f"Wrote {target}.")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _prepare(folder: Path, design: "Design") -> None:
    """The project's file; written anew each time, because the options decide it."""
    from videopasta_assets.config import CONFIG_NAME
    from videopasta_assets.config.presets import preset_text
    from videopasta_assets.experiments.truth import project_settings

    if not (folder / CONFIG_NAME).exists():
        init(folder, preset="embedded")
    settings = project_settings(yaml.safe_load(preset_text("embedded")), design)
    text = "# Written by `videopasta experiment`; it is written again by each call.\n" + yaml.safe_dump(settings)
    (folder / CONFIG_NAME).write_text(text, encoding="utf-8")


def _render_videos(folder: Path, design: "Design", videos: int, held_out: int, items: int) -> None:
    """Videos for pairs and for scoring, from scenes of different splits; what is there already stays."""
    from videopasta_assets.toyworld.benchmark import write_benchmark
    from videopasta_assets.toyworld.folder import write_folder

    project = open_project(folder)
    truth = project.settings.path(project.settings.oracle_truth or Path("truth"))
    write_folder(project.video_folder, truth, videos, 0, "pairs")
    write_benchmark(project.settings.root / design.split, truth, held_out, items, 0, design.split)
    say(f"{videos} videos for pairs, {held_out} held out ({design.split}).")


def _machine() -> str:
    import torch
    import transformers

    versions = f"torch {torch.__version__}, transformers {transformers.__version__}"
    return f"{platform.machine()}, Python {platform.python_version()}, {versions}"
