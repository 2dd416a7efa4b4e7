"""Answers that failed are rows; they are tried again only when that is asked for, and then the scores follow."""

from pathlib import Path

import pytest

from tests.fakes.counting_engine import CountingEngine, OneEngine
from tests.faults.kill_project import make_project, open_project
from videopasta_assets.lake import Row
from videopasta_assets.lake.shards import list_shards
from videopasta_assets.planning import PlanStep, ReasonKind, make_plan
from videopasta_assets.stages import benchmark_scores, landing, lora_checkpoint, pipeline, preference_set
from videopasta_assets.stages.project import Project

NAMES = ("first", "held-out")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with a trained adapter, whose first run on the benchmark had one time-out a model."""
    root = tmp_path_factory.mktemp("scored") / "project"
    make_project(root, videos=1)
    project, engine = open_project(root), CountingEngine()
    landing.land(project)
    for shard in list_shards(project.lake):
        pipeline.run_shard(project, shard, OneEngine(engine))
    preference_set.run(project)
    lora_checkpoint.run(project, "first")
    engine.fault = lambda request: "time-out" if request.request_id == "item-3" else None
    benchmark_scores.run(project, *NAMES, OneEngine(engine))
    return root


def scoring(project: Project, *, retry_failed: bool = False) -> PlanStep:
    return next(
        step for step in make_plan(project, retry_failed=retry_failed).steps if step.asset == "benchmark_scores"
    )


def overall(project: Project) -> Row:
    rows = project.lake.rows(project.address("benchmark_scores", "first__held-out"))
    return next(row for row in rows if row["mode"] == "all")


def test_failed_answers_wait_for_a_retry_and_the_scores_follow(root: Path) -> None:
    project, engine = open_project(root), CountingEngine()
    assert overall(project)["items"] == 5
    assert not scoring(project).to_do
    planned = scoring(project, retry_failed=True)
    assert [(reason.kind, reason.rows) for reason in planned.reasons] == [(ReasonKind.FAILED, 2)]
    assert planned.cost.calls == 2
    benchmark_scores.run(project, *NAMES, OneEngine(engine))
    assert engine.requests == []
    benchmark_scores.run(project, *NAMES, OneEngine(engine), retry_failed=True)
    assert [request.request_id for request in engine.requests] == ["item-3", "item-3"]
    assert overall(project)["items"] == 6
    assert not scoring(project, retry_failed=True).to_do


def test_a_benchmarks_video_over_the_limit_is_a_row_that_says_so(root: Path) -> None:
    settings = open_project(root).settings
    videos = settings.videos.model_copy(update={"max_bytes": 100})
    project, engine = Project(settings.model_copy(update={"videos": videos})), CountingEngine()
    for path in project.lake.root.glob("tables/benchmark_answers/*/*/rows.parquet"):
        path.unlink()
    assert scoring(project).to_do
    benchmark_scores.run(project, *NAMES, OneEngine(engine))
    errors = {row["error"] for row in project.lake.rows(project.address("benchmark_answers", "base__held-out"))}
    assert engine.requests == []
    assert all("too big" in str(error) for error in errors)
