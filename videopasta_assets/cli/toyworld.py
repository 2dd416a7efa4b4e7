"""`videopasta toyworld`: procedural videos to try everything on."""

from pathlib import Path
from typing import Annotated, Final

import typer

from videopasta_assets.cli.console import say
from videopasta_assets.cli.options import HERE, ProjectOption, open_project

_BENCHMARK: Final = "toyworld"


def toyworld(
    project: ProjectOption = HERE,
    videos: Annotated[int, typer.Option(min=1, help="Videos to render into the video folder.")] = 24,
    benchmark_videos: Annotated[
        int, typer.Option(min=0, help="Held-out videos of the benchmark; 0 leaves the benchmark alone.")
    ] = 24,
    items: Annotated[int, typer.Option(min=1, help="Multiple-choice items a benchmark video.")] = 6,
    seed: Annotated[int, typer.Option(help="The same seed renders the same videos; another one adds others.")] = 0,
) -> None:
    """Render demo videos: coloured shapes that move, hide, flash and come back, as real MP4 files.

    Each video's true scene is kept in a folder of its own, outside the videos: only the oracle's scores read it.
    A held-out multiple-choice benchmark is made the same way from other scenes. The folder `annotations` gets timed
    captions of each video, for recipes that read scene annotations.
    """
    from videopasta_assets.toyworld.benchmark import write_benchmark
    from videopasta_assets.toyworld.folder import write_folder

    opened = open_project(project)
    settings = opened.settings
    truth = settings.path(settings.oracle_truth or Path("truth"))
    annotations = settings.root / "annotations"
    written = write_folder(opened.video_folder, truth, videos, seed, "pairs", annotations)
    say(f"Wrote {len(written)} videos to {opened.video_folder}.")
    if benchmark_videos:
        named = {benchmark.name: settings.path(benchmark.items) for benchmark in settings.evaluation.benchmarks}
        folder = named.get(_BENCHMARK, settings.root / "benchmark" / "benchmark.jsonl").parent
        path = write_benchmark(folder, truth, benchmark_videos, items, seed, "benchmark")
        say(f"Wrote {path} with {benchmark_videos} videos of its own.")
