"""A project with a preference set, and a checkpoint and scores written by hand: training is not the matter."""

import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.browser.conftest import HOSTILE, HOSTILE_NAME, HostileEngine, fill
from tests.fakes.bench_project import BenchProject
from videopasta_assets.lake import TABLES
from videopasta_assets.stages import preference_set
from videopasta_assets.stages.benchmark_answers import partition
from videopasta_assets.stages.project import Project


@pytest.fixture(scope="session")
def filled(tmp_path_factory: pytest.TempPathFactory) -> BenchProject:
    bench = BenchProject.make(tmp_path_factory.mktemp("reports"), videos=2)
    bench.engine = HostileEngine()
    (bench.root / "videos" / "video 0.mp4").rename(bench.root / "videos" / HOSTILE_NAME)
    fill(bench)
    write_checkpoint(bench.project)
    return bench


def write_checkpoint(project: Project) -> None:
    """A `lora_checkpoint` row, its log and its scores, as training and scoring would leave them."""
    current = preference_set.current(project)
    assert current is not None
    metrics = {"reward_accuracy": 0.75, "reward_accuracy/spatial": 0.5, "reward_chosen": 0.1, "reward_rejected": -0.2}
    row = {
        "row_key": "first",
        "experiment": "first",
        "preference_set": current.hash,
        "base_model": HOSTILE,
        "adapter": "checkpoints/first/adapter",
        "adapter_hash": "a" * 32,
        "pairs": len(current.members),
        "steps": 10,
        "settings": json.dumps({"beta": 0.1, "note": HOSTILE}),
        "reward_accuracy": 0.75,
        "metrics": json.dumps(metrics),
        "seconds": 12.0,
        "created_at": datetime(2026, 1, 2, tzinfo=UTC),
    }
    put(project, "lora_checkpoint", "first", [row])
    log = project.lake.root / "checkpoints" / "first" / "training_log.jsonl"
    log.parent.mkdir(parents=True)
    steps = [
        {"step": step, "rewards/accuracies": 0.5, "rewards/accuracies/spatial": 0.4, "rewards/chosen": 0.1 * step}
        for step in (1, 5, 10)
    ]
    log.write_text("\n".join(map(json.dumps, steps)) + '\n{"cut sho')
    scores = [
        {
            "row_key": mode,
            "experiment": "first",
            "benchmark": "held-out",
            "mode": mode,
            "items": 40,
            "base_accuracy": 0.5,
            "tuned_accuracy": 0.4,
            "difference": -0.1,
            "difference_low": -0.15,
            "difference_high": -0.05,
            "base_parse_rate": 1.0,
            "tuned_parse_rate": 0.9,
            "base_model": "base",
            "adapter_hash": "a" * 32,
        }
        for mode in ("spatial", "all")
    ]
    put(project, "benchmark_scores", partition("first", "held-out"), scores)


def put(project: Project, table: str, shard: str, rows: list[dict]) -> None:
    complete = [TABLES[table].versioned({**row, "provenance": "by hand"}) for row in rows]
    project.lake.write(project.address(table, shard), complete, {})


@pytest.fixture
def project(filled: BenchProject) -> Project:
    return filled.project


@pytest.fixture
def empty(tmp_path: Path) -> Project:
    return BenchProject.make(tmp_path, videos=0).project


@pytest.fixture
def bench_copy(filled: BenchProject, tmp_path: Path) -> Project:
    """A copy of the project that a test may change."""
    shutil.copytree(filled.root, tmp_path / "copy")
    return BenchProject(tmp_path / "copy", filled.engine).project
