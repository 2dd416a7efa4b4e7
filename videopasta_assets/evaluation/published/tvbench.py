"""TVBench: ten tasks in MVBench's form, whose questions need the order of things; two ask about a part of the video."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from videopasta_assets.evaluation.benchmark import Benchmark
from videopasta_assets.evaluation.item import BenchmarkItem
from videopasta_assets.evaluation.published.mvbench import task_item
from videopasta_assets.evaluation.published.record import read_records

TASKS: Final = (
    "action_antonym",
    "action_count",
    "action_localization",
    "action_sequence",
    "egocentric_sequence",
    "moving_direction",
    "object_count",
    "object_shuffle",
    "scene_transition",
    "unexpected_action",
)

_PARTS: Final = frozenset(("action_localization", "action_sequence"))


def load(files: Sequence[Path], subtitles: bool) -> list[BenchmarkItem]:  # noqa: ARG001 - it has no subtitles
    """Items of the tasks' JSON files."""
    return [
        task_item(record, path.stem, number, path.stem, part=path.stem in _PARTS)
        for path in files
        for number, record in enumerate(read_records(path))
    ]


BENCHMARK: Final = Benchmark(
    name="tvbench",
    title="TVBench",
    source="the data set FunAILab/TVBench of the model hub",
    layout="json/*.json (10 files) and video/TASK/*",
    files=(tuple(f"json/{task}.json" for task in TASKS), tuple(f"{task}.json" for task in TASKS)),
    load=load,
    facets=("task",),
)
