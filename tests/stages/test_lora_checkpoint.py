"""What makes a checkpoint stale, and what does not."""

from pathlib import Path
from typing import Any

import pytest

from tests.fakes.bench_project import BenchProject
from tests.stages.conftest import Bench
from videopasta_assets.errors import UserError
from videopasta_assets.lake.shards import list_shards
from videopasta_assets.planning.plan import make_plan
from videopasta_assets.stages import lora_checkpoint, preference_set
from videopasta_assets.stages.landing import land
from videopasta_assets.stages.pipeline import run_shard
from videopasta_assets.stages.recipes import recipe_of
from videopasta_assets.training.job import load_job
from videopasta_assets.training.pairs import read_pairs
from videopasta_assets.training.result import TrainingResult


def pretend(file: Path, progress: Any = None) -> TrainingResult:
    """Leave an adapter's folder as training would; the weights are not looked at."""
    job = load_job(file)
    pairs = read_pairs(job.pairs)
    adapter = job.output / "adapter"
    adapter.mkdir()
    return TrainingResult(adapter, "hash", "run", "base", str(job.preference_set), len(pairs), {}, 1, {}, 1.0)


@pytest.fixture
def trained(tmp_path: Path) -> BenchProject:
    bench = BenchProject.make(tmp_path, videos=2)
    land(bench.project)
    for shard in list_shards(bench.project.lake):
        run_shard(bench.project, shard, bench.engines)
    preference_set.run(bench.project)
    outcome = lora_checkpoint.run(bench.project, "first", train=pretend)
    assert (outcome.computed, outcome.failed) == (1, 0)
    return bench


def reasons(bench: BenchProject) -> list[str]:
    steps = [step for step in make_plan(bench.project).steps if step.asset == "lora_checkpoint"]
    return [reason.subject for step in steps if step.partition == "first" and step.to_do for reason in step.reasons]


def test_another_trainer_or_setting_makes_it_stale_and_how_it_is_run_does_not(
    trained: BenchProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert reasons(trained) == []
    operation = "save_minutes: 1, save_steps: 3, logging_steps: 2, early_stop: {patience: 9}"
    trained.edit("{name: first}", f"{{name: first, training: {{{operation}}}}}")
    trained.edit("evaluation:", "trainer: {processes: 2}\nevaluation:")
    assert reasons(trained) == []
    trained.edit("save_minutes: 1", "beta: 0.2")
    assert reasons(trained) == ["training settings"]
    trained.edit("beta: 0.2", "save_minutes: 2")
    monkeypatch.setattr(lora_checkpoint, "TRAINER_VERSION", "another")
    assert reasons(trained) == ["trainer"]


def test_the_policy_may_see_fewer_frames_than_the_answers_were_made_from(trained: BenchProject) -> None:
    asked = len(trained.engine.requests)
    trained.edit("dense:", "policy: {value: 3}, dense:")
    assert reasons(trained) == ["dense sampling"]
    for shard in list_shards(trained.project.lake):
        run_shard(trained.project, shard, trained.engines)
    assert len(trained.engine.requests) == asked
    lora_checkpoint.run(trained.project, "first", train=pretend)
    (row,) = trained.project.lake.rows(trained.project.address("lora_checkpoint", "first"))
    pairs = read_pairs(trained.project.lake.local_folder(row["adapter"]).parent / "pairs.jsonl")
    assert {len(pair.clip.plan.indices) for pair in pairs} == {3}


def test_a_recipe_with_clips_of_its_own_has_no_policy_frames(bench: Bench) -> None:
    bench.edit(
        "{queries_per_video: 3, max_attempts: 2, prompts: prompts}", "{name: timewarp_explicit, prompts: prompts}"
    )
    bench.edit("dense:", "policy: {value: 3}, dense:")
    with pytest.raises(UserError, match=r"frames.policy"):
        recipe_of(bench.project).training_clips(bench.project, "any")
