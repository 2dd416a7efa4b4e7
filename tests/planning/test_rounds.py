"""Plans of a recipe that is repeated with its own tuned model: every iteration is in them, under its partition key."""

from pathlib import Path

import pytest

from tests.fakes.bench_project import BenchProject
from tests.fakes.merging import merged
from videopasta_assets.errors import UserError
from videopasta_assets.lake import TABLES, Address
from videopasta_assets.lake.shards import list_shards
from videopasta_assets.planning import Plan, plan_rounds
from videopasta_assets.stages import iteration, preference_set
from videopasta_assets.stages.iteration import at_iteration, check_rounds, known_iteration
from videopasta_assets.stages.landing import land
from videopasta_assets.stages.pipeline import run_shard
from videopasta_assets.stages.project import Project

SECOND = ["s000000__i2", "s000001__i2"]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BenchProject:
    """A recipe with two iterations, whose adapters are merged by copying the model."""
    made = BenchProject.make(tmp_path)
    made.edit("recipe: {queries_per_video: 3", "recipe: {iterations: 2, queries_per_video: 3")
    file = tmp_path / "videopasta.yaml"
    file.write_text(file.read_text().split("evaluation:")[0])

    monkeypatch.setattr(iteration, "_merged", merged)
    land(made.project)
    return made


def generate(bench: BenchProject, turn: Project) -> None:
    for shard in list_shards(turn.lake):
        run_shard(turn, shard, bench.engines)
    preference_set.run(turn)


def train(turn: Project, adapter_hash: str = "a") -> None:
    """A checkpoint as a row alone."""
    row = {"row_key": "first", "provenance": "by hand", "experiment": "first", "pairs": 3, "steps": 1, "adapter": "a"}
    row |= {"adapter_hash": adapter_hash}
    place: Address = turn.address("lora_checkpoint", "first")
    turn.lake.write(place, [TABLES["lora_checkpoint"].versioned(row)], {})


def work(plan: Plan) -> dict[str, list[str]]:
    """Assets that have work, by partition."""
    found: dict[str, list[str]] = {}
    for step in plan.steps:
        if step.to_do:
            found.setdefault(step.partition, []).append(step.asset)
    return found


def test_iterations_to_come_wait_for_the_checkpoint_before(bench: BenchProject) -> None:
    found = work(plan_rounds(bench.project))
    assert list(found) == [
        "s000000",
        "s000001",
        "all",
        "first",
        "second",
        *SECOND,
        "all__i2",
        "first__i2",
        "second__i2",
    ]
    assert found["s000000"][:2] == ["videos", "sampled_videos"]
    assert found["s000000__i2"] == ["queries", "aligned_responses", "adversaries", "verified_pairs"]
    later = [step for step in plan_rounds(bench.project).steps if step.partition in SECOND]
    assert all(step.waiting for step in later) and sum(step.cost.calls_expected for step in later) > 0


def test_without_training_only_iterations_that_can_start_are_planned(bench: BenchProject) -> None:
    pairs = ("queries", "verified_pairs")
    assert list(work(plan_rounds(bench.project, select=pairs))) == ["s000000", "s000001"]
    generate(bench, bench.project)
    train(bench.project)
    assert known_iteration(bench.project, 2) is None, "its model is not merged: a plan makes none"
    plan = plan_rounds(bench.project, select=pairs)
    assert list(work(plan)) == SECOND
    at_iteration(bench.project, 2)
    plan = plan_rounds(bench.project, select=pairs)
    assert list(work(plan)) == SECOND
    assert [step.rows_missing for step in plan.steps if step.asset == "queries" and step.partition in SECOND] == [6, 3]


def test_what_is_done_is_fresh_in_every_iteration(bench: BenchProject) -> None:
    generate(bench, bench.project)
    train(bench.project)
    generate(bench, at_iteration(bench.project, 2))
    shard_assets = ("videos", "sampled_videos", "queries", "adversaries", "verified_pairs", "preference_set")
    assert work(plan_rounds(bench.project, select=shard_assets)) == {}


def test_another_checkpoint_makes_the_next_iteration_stale(bench: BenchProject) -> None:
    generate(bench, bench.project)
    train(bench.project)
    generate(bench, at_iteration(bench.project, 2))
    train(bench.project, "b")
    at_iteration(bench.project, 2)
    plan = plan_rounds(bench.project, select=("queries",))
    reasons = {step.partition: [str(reason) for reason in step.reasons] for step in plan.steps if step.to_do}
    assert list(reasons) == SECOND
    assert all(texts and "model" in texts[0] for texts in reasons.values()), reasons


def test_a_server_that_is_not_ours_cannot_be_handed_a_model(bench: BenchProject) -> None:
    bench.edit(
        "responder: {model: some-model,",
        "responder: {model: m, engine: openai, server: {base_url: 'http://x.invalid/v1'},",
    )
    with pytest.raises(UserError, match="server that is not ours"):
        check_rounds(bench.project)
