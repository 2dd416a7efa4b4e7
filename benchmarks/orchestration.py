"""What a run costs beside its models: processor time a video and a shard, and how it grows with the videos.

    python benchmarks/orchestration.py [--videos 10 100 1000] [--share 100]

Real videos go through the whole pipeline as `videopasta run` does it, Dagster included: ten questions and thirty slots
a video, shards of 32 videos, preference set, SQL models. An engine that answers by rule, at once, stands for the
models, so that everything measured is ours: landing, probing, frame plans, prompts, journals, tables, previews, events,
plans. Each size is a project of its own, in a fresh folder. Imports are paid before. Processor time counts, that of
child processes too, so that other work on the machine does not blur the figures.

With a model, the share of all this is (seconds a video here) / (those + seconds that the model takes for a video):
`--share` takes the latter, and prints the former's share.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.plan import YAML
from tests.fakes.counting_engine import CountingEngine, OneEngine
from tests.fakes.tiny_videos import write_video
from videopasta_assets.assets import execution
from videopasta_assets.config.loader import parse_project
from videopasta_assets.lake.shards import list_shards
from videopasta_assets.planning import make_plan
from videopasta_assets.stages.landing import land
from videopasta_assets.stages.project import Project

GOAL: Final = 1.5
"""A video among many may cost so many times what one of few costs; less than one, because runs have fixed costs."""


class Spent:
    """Processor seconds by phase, of this process and its children."""

    def __init__(self) -> None:
        self.phases: dict[str, float] = {}
        self._self = psutil.Process()

    @contextmanager
    def on(self, phase: str) -> Iterator[None]:
        """What is done in this block counts for `phase`."""
        before = self._seconds()
        yield
        self.phases[phase] = self.phases.get(phase, 0.0) + self._seconds() - before

    def _seconds(self) -> float:
        total = 0.0
        for process in [self._self, *self._self.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
        return total


def main() -> None:
    """Measure each size, and say what a video costs at each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--videos", type=int, nargs="+", default=[10, 100, 1_000])
    parser.add_argument("--share", type=float, help="Seconds that a real model takes for a video.")
    arguments = parser.parse_args()
    measure(1)  # imports, caches of DuckDB and SQLAlchemy
    measured = {count: measure(count) for count in sorted(arguments.videos)}
    each = {count: sum(phases.values()) / count for count, phases in measured.items()}
    growing = {count: (sum(phases.values()) - phases["SQL models"]) / count for count, phases in measured.items()}
    first, last = min(each), max(each)
    share = each[last] / (each[last] + arguments.share) if arguments.share else None
    print(
        json.dumps(
            {
                "name": f"orchestration of {last} videos, a video",
                "figure": round(each[last], 3),
                "unit": "CPU-s",
                "baseline": round(each[first], 3),
                "ratio": round(growing[last] / growing[first], 2),
                "goal": GOAL,
                "by_size": {str(count): round(seconds, 3) for count, seconds in each.items()},
                "without_sql_models": {str(count): round(seconds, 3) for count, seconds in growing.items()},
                "phases": {
                    str(count): {name: round(seconds, 2) for name, seconds in phases.items()}
                    for count, phases in measured.items()
                },
                **({} if share is None else {f"share of a run with {arguments.share:g} s a video": round(share, 4)}),
            }
        )
    )


def measure(count: int) -> dict[str, float]:
    """Processor seconds by phase of a run over `count` videos."""
    root = Path(tempfile.mkdtemp())
    clock = time.perf_counter()
    try:
        phases = run(root, count)
    finally:
        shutil.rmtree(root)
    spent = ", ".join(f"{name} {seconds:.2f}" for name, seconds in phases.items())
    print(f"{count} videos, {time.perf_counter() - clock:.0f} s by the clock; CPU-s: {spent}", flush=True)
    return phases


def run(root: Path, count: int) -> dict[str, float]:
    """Make the project's videos, and bring it up to date."""
    write_project(root, count)
    project = open_project(root)
    engines = OneEngine(CountingEngine())
    spent = Spent()
    with execution.open_instance(root / "records") as instance:
        with spent.on("landing"):
            land(project)
        with spent.on("plan"):
            make_plan(project)
        for shard in list_shards(project.lake):
            with spent.on("shards"):
                done(execution.execute_shard(project, instance, shard, engines=engines))
        with spent.on("preference set"):
            done(execution.execute_preference_set(project, instance))
        with spent.on("SQL models"):
            done(execution.execute_sql_models(project, instance))
    return spent.phases


def done(result: execution.ExecutionResult) -> None:
    """See that a run succeeded.

    Raises:
        RuntimeError: it did not.
    """
    if not result.success:
        raise RuntimeError(f"{result.failed_step}: {result.error}")


def write_project(root: Path, count: int) -> None:
    """A project folder whose models are empty shells."""
    (root / "videopasta.yaml").write_text(YAML)
    for folder in ("prompts", "some-model", "records"):
        (root / folder).mkdir()
    (root / "some-model" / "config.json").write_text("{}")
    (root / "some-model" / "model.safetensors").write_bytes(b"weights that nobody loads")
    for seed in range(count):
        write_video(root / "videos" / f"{seed}.mp4", seed, frames=8)


def open_project(root: Path) -> Project:
    """The project, as a new process would open it."""
    file = root / "videopasta.yaml"
    return Project(parse_project(file.read_text(), file))


if __name__ == "__main__":
    main()
