"""A run makes the calls that the plan said: step by step exactly, and never more than it said at most."""

from collections.abc import Callable, Mapping

import pytest

from tests.fakes.counting_engine import OneEngine
from tests.planning.test_plan import CHANGES, settle
from tests.stages.conftest import Bench
from tests.stages.test_recompute import other_model
from videopasta_assets.lake.shards import list_shards
from videopasta_assets.planning import PlanStep, make_plan
from videopasta_assets.stages import (
    adversaries,
    aligned_checks,
    aligned_responses,
    landing,
    pipeline,
    queries,
    sampled_videos,
    verified_pairs,
    videos,
)
from videopasta_assets.stages.project import Project

Run = Callable[[Project, str, OneEngine], object]

RUNS: Mapping[str, Run] = {
    "videos": lambda project, shard, engines: videos.run(project, shard),
    "sampled_videos": lambda project, shard, engines: sampled_videos.run(project, shard),
    "queries": queries.run,
    "aligned_responses": aligned_responses.run,
    "aligned_checks": aligned_checks.run,
    "adversaries": adversaries.run,
    "verified_pairs": lambda project, shard, engines: verified_pairs.run(project, shard),
}

MORE_CHANGES = {
    **CHANGES,
    "another verifier": lambda bench: other_model(bench, "verifier"),
    "another responder": lambda bench: other_model(bench, "responder"),
    "checked responses": lambda bench: bench.edit(
        "max_attempts: 2", "max_attempts: 2, aligned_check: {method: self_consistency, samples: 2}"
    ),
    "video added": lambda bench: bench.add_videos(7),
}


def step_of(project: Project, asset: str, shard: str) -> PlanStep:
    """The asset's step, planned now."""
    return next(step for step in make_plan(project, select=[asset]).steps if step.partition == shard)


@pytest.mark.parametrize("name", MORE_CHANGES)
def test_each_step_makes_the_calls_that_were_planned_before_it(bench: Bench, name: str) -> None:
    settle(bench)
    MORE_CHANGES[name](bench)
    landing.land(bench.project)
    whole = make_plan(bench.project)
    made = 0
    for shard in list_shards(bench.project.lake):
        for asset, run in RUNS.items():
            steps = [step for step in make_plan(bench.project, select=[asset]).steps if step.partition == shard]
            bench.engine.forget()
            run(bench.project, shard, OneEngine(bench.engine))
            calls = len(bench.engine.requests)
            made += calls
            if not steps:
                assert calls == 0
                continue
            assert not steps[0].waiting, "its inputs are there"
            assert steps[0].to_do or calls == 0
            if asset == "adversaries":
                assert steps[0].cost.calls <= calls <= steps[0].cost.calls_most
            else:
                assert calls == steps[0].cost.calls == steps[0].cost.calls_most
    assert whole.cost.calls <= made <= whole.cost.calls_most
    assert not [
        step
        for step in make_plan(bench.project).steps
        if step.to_do and step.partition in list_shards(bench.project.lake)
    ]


def test_a_new_project_makes_the_calls_that_its_plan_expects(bench: Bench) -> None:
    bench.edit("max_attempts: 2", "max_attempts: 1")
    unlanded = make_plan(bench.project, new_videos=3).cost
    landing.land(bench.project)
    landed = make_plan(bench.project).cost
    bench.run()
    made = len(bench.engine.requests)
    assert unlanded.calls_expected == landed.calls_expected == landed.calls_most == made == 3 * 3 * (1 + 1 + 3 + 3)


def test_an_edited_template_makes_the_calls_that_its_plan_expects(bench: Bench) -> None:
    bench.engine.accept = lambda text: True
    settle(bench)
    CHANGES["adversary prompt"](bench)
    cost = make_plan(bench.project).cost
    bench.engine.forget()
    bench.run()
    assert bench.engine.calls["adversary"] == bench.engine.calls["verify"] == cost.calls > 0
    assert cost.calls_expected == len(bench.engine.requests)
    assert cost.tokens == 15 * cost.calls_expected


def test_retrying_asks_exactly_the_failed_rows(bench: Bench) -> None:
    bench.engine.accept = lambda text: True
    bench.engine.fault = lambda request: "time-out" if request.request_id.startswith(("0", "1", "2", "3")) else None
    settle(bench)
    project = bench.project
    failed = sum(row["error"] is not None for row in bench.rows("queries"))
    for shard in list_shards(project.lake):
        step = step_of(project, "queries", shard)
        assert not step.to_do and step.cost.calls == 0
    again = [step for step in make_plan(project, retry_failed=True).steps if step.asset == "queries"]
    assert sum(step.cost.calls for step in again) == failed > 0
    bench.engine.fault = lambda request: None
    bench.engine.forget()
    for shard in list_shards(project.lake):
        pipeline.run_shard(project, shard, OneEngine(bench.engine), retry_failed=True)
    assert bench.engine.calls["query"] == failed
