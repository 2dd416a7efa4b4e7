"""The plan says what a run then does: counted against the outcomes of the run itself."""

from collections.abc import Callable

import pytest

from tests.fakes.counting_engine import Killed, OneEngine
from tests.stages.conftest import Bench
from videopasta_assets.lake.shards import list_shards
from videopasta_assets.planning import ReasonKind, make_plan
from videopasta_assets.planning.attempts import replay
from videopasta_assets.planning.spec_diff import spec_changes
from videopasta_assets.planning.step import Cost
from videopasta_assets.stages import landing, pipeline, preference_set

Change = Callable[[Bench], None]


def edit_template(name: str) -> Change:
    def change(bench: Bench) -> None:
        path = bench.root / "prompts" / f"{name}.j2"
        path.write_text(path.read_text() + " (edited)")

    return change


def remove_video(bench: Bench) -> None:
    (bench.root / "videos" / "video 2.mp4").unlink()


def more_attempts(bench: Bench) -> None:
    bench.edit("max_attempts: 2", "max_attempts: 3")


def sample_denser(bench: Bench) -> None:
    bench.edit("dense: {value: 8}", "dense: {value: 9}")


def show_smaller(bench: Bench) -> None:
    bench.edit("frames: {", "frames: {max_side: 32, ")


CHANGES = {
    "nothing": lambda bench: None,
    "aligned prompt": edit_template("aligned/temporal"),
    "adversary prompt": edit_template("adversary/temporal/reordered"),
    "verifier prompt": edit_template("verify"),
    "query prompt": edit_template("query/spatial"),
    "video removed": remove_video,
    "attempts": more_attempts,
    "sampling": sample_denser,
    "frame size": show_smaller,
}


def settle(bench: Bench) -> None:
    bench.run()
    preference_set.run(bench.project)


def test_a_new_project_has_everything_to_do(bench: Bench) -> None:
    landing.land(bench.project)
    plan = make_plan(bench.project)
    assert not plan.nothing_to_do
    first = {step.asset: step for step in plan.steps if step.partition == "s000000"}
    assert first["videos"].rows_missing == 2
    assert all(first[asset].waiting for asset in ("queries", "adversaries", "verified_pairs"))


@pytest.mark.parametrize("name", CHANGES)
def test_the_first_step_to_do_is_exactly_what_runs(bench: Bench, name: str) -> None:
    settle(bench)
    CHANGES[name](bench)
    project = bench.project
    plan = make_plan(project)
    planned = {
        (step.partition, step.asset): step
        for step in plan.steps
        if step.partition in list_shards(project.lake) and not step.waiting
    }
    for shard, outcomes in bench.run().items():
        for asset, outcome in outcomes.items():
            if asset in ("adversaries", "verdicts") or (shard, asset) not in planned:
                continue
            step = planned[shard, asset]
            assert step.rows_missing + step.rows_stale == outcome.computed, (shard, asset)
            assert step.rows_fresh == outcome.reused
            assert step.rows_orphaned == outcome.dropped
        step = planned.get((shard, "adversaries"))
        if step is not None and not step.to_do:
            assert outcomes["adversaries"].computed == outcomes["verdicts"].computed == 0
        if step is not None and step.rows_stale:
            assert outcomes["adversaries"].computed + outcomes["verdicts"].computed >= step.rows_stale


def test_after_a_run_nothing_is_left_to_do_but_training(bench: Bench) -> None:
    settle(bench)
    steps = [step for step in make_plan(bench.project).steps if step.to_do]
    assert {step.asset for step in steps} == {"lora_checkpoint"}


@pytest.mark.parametrize(
    ("name", "asset", "reason"),
    [
        ("aligned prompt", "aligned_responses", "prompt aligned/temporal changed"),
        ("adversary prompt", "adversaries", "prompt adversary/temporal/reordered changed"),
        ("verifier prompt", "adversaries", "verdict prompt verify changed"),
        ("sampling", "sampled_videos", "dense sampling changed"),
        ("frame size", "queries", "frames.max_side changed"),
        ("frame size", "adversaries", "frames.max_side changed"),
        ("video removed", "videos", "video removed"),
    ],
)
def test_the_reason_names_what_changed(bench: Bench, name: str, asset: str, reason: str) -> None:
    settle(bench)
    CHANGES[name](bench)
    reasons = {
        text for step in make_plan(bench.project).steps if step.asset == asset for text in map(str, step.reasons)
    }
    assert reason in reasons


def test_what_a_killed_run_left_is_work_though_all_rows_are_there(bench: Bench) -> None:
    """Killed between its table and the end of its journal: the next run has to take the journal away."""
    settle(bench)
    journal = bench.project.lake.journal(bench.project.address("preference_set", preference_set.ALL))
    journal.path.parent.mkdir(exist_ok=True)
    journal.path.write_text("{cut off")
    (step,) = (step for step in make_plan(bench.project).steps if step.asset == "preference_set")
    assert [reason.kind for reason in step.reasons] == [ReasonKind.INTERRUPTED]
    assert step.rows_missing == step.rows_stale == step.rows_orphaned == 0
    settle(bench)
    assert not journal.path.exists()
    assert not any(step.to_do for step in make_plan(bench.project).steps if step.asset == "preference_set")


def test_failed_rows_are_planned_only_when_retried(bench: Bench) -> None:
    bench.engine.fault = lambda request: "time-out" if request.prompt.template.startswith("query") else None
    settle(bench)
    project = bench.project
    plain = [step for step in make_plan(project).steps if step.asset == "queries"]
    assert not any(step.to_do for step in plain) and sum(step.rows_failed for step in plain) == 9
    again = [step for step in make_plan(project, retry_failed=True).steps if step.asset == "queries"]
    assert all(step.to_do for step in again)


def test_rows_that_a_killed_run_finished_are_not_planned_again(bench: Bench) -> None:
    project = bench.project
    landing.land(project)

    def kill(request: object) -> None:
        if len(bench.engine.requests) > 4:
            raise Killed

    bench.engine.fault = kill
    with pytest.raises(Killed):
        pipeline.run_shard(project, "s000000", OneEngine(bench.engine))
    step = next(step for step in make_plan(project).steps if step.asset == "queries")
    assert (step.rows_fresh, step.rows_missing) == (4, 2)


def test_reasons_have_kinds_and_the_rows_that_they_touch(bench: Bench) -> None:
    settle(bench)
    CHANGES["adversary prompt"](bench)
    steps = [step for step in make_plan(bench.project).steps if step.asset == "adversaries" and step.to_do]
    edited = [row for row in bench.rows("adversaries") if row["adv_strategy"] == "reordered"]
    reasons = [reason for step in steps for reason in step.reasons]
    assert {(reason.kind, reason.subject) for reason in reasons} == {
        (ReasonKind.PROMPT_CHANGED, "prompt adversary/temporal/reordered")
    }
    assert sum(reason.rows for reason in reasons) == sum(step.rows_stale for step in steps) <= len(edited)


def test_a_file_that_changed_and_one_that_moved_are_told_apart(bench: Bench) -> None:
    settle(bench)
    folder = bench.root / "videos"
    (folder / "video 1.mp4").write_bytes((folder / "video 1.mp4").read_bytes() + b"more")
    (folder / "video 3.mp4").rename(folder / "elsewhere.mp4")
    landing.land(bench.project)
    kinds = {
        reason.kind for step in make_plan(bench.project).steps if step.asset == "videos" for reason in step.reasons
    }
    assert kinds == {
        ReasonKind.FILE_CHANGED,
        ReasonKind.VIDEO_MOVED,
        ReasonKind.NEW_VIDEO,
        ReasonKind.NEVER_MATERIALIZED,
    }


def test_counts_say_what_rows_would_say(bench: Bench) -> None:
    """The plan from manifests and the plan from rows are one plan, whatever changed in the specification."""
    bench.engine.fault = lambda request: "time-out" if request.request_id[0] in "01" and request.clip is None else None
    settle(bench)
    for name in ("adversary prompt", "verifier prompt"):
        CHANGES[name](bench)
        quick = [step for step in make_plan(bench.project).steps if step.asset == "adversaries"]
        for step in quick:
            changed = sorted({f"{reason.subject}" for reason in step.reasons})
            slow = replay(bench.project, step.partition, changed, retry_failed=False)
            assert (step.rows_fresh, step.rows_missing, step.rows_stale, step.rows_orphaned, step.rows_failed) == (
                slow.fresh,
                slow.missing,
                slow.stale,
                slow.orphaned,
                slow.failed,
            )
            assert step.cost.calls == sum(slow.certain.values())
            assert set(step.reasons) == set(slow.reasons)


def test_a_limit_takes_the_oldest_shards_that_have_work(bench: Bench) -> None:
    landing.land(bench.project)
    limited = make_plan(bench.project, limit=1)
    assert limited.left_out == 1
    assert {step.partition for step in limited.steps if step.partition.startswith("s")} == {"s000000"}
    settle(bench)
    assert make_plan(bench.project, limit=1).left_out == 0


def test_the_difference_of_the_specification_is_shown_line_by_line(bench: Bench) -> None:
    settle(bench)
    CHANGES["adversary prompt"](bench)
    bench.edit("dense: {value: 8}", "dense: {value: 9}")
    changes = {(one.asset, one.part): one for one in spec_changes(bench.project, make_plan(bench.project))}
    template = changes["adversaries", "prompt adversary/temporal/reordered"]
    assert template.kind is ReasonKind.PROMPT_CHANGED and template.partitions == 2
    assert any(line.startswith("-adversary/temporal/reordered") for line in template.lines)
    assert any(line.startswith("+") and line.endswith("(edited)") for line in template.lines)
    sampling = changes["sampled_videos", "dense sampling"]
    assert {"-value: 8.0", "+value: 9.0"} <= set(sampling.lines)


def test_the_oracles_specification_is_compared_too(bench: Bench) -> None:
    bench.edit("roles:\n", "oracle_truth: truth\nroles:\n  judge: {model: some-model, prompt_style: compact}\n")
    settle(bench)
    bench.project.lake.write(bench.project.address("oracle_targeting", "s000000"), [], {"stage": "0", "model": "other"})
    changes = {(one.asset, one.part): one for one in spec_changes(bench.project, make_plan(bench.project))}
    changed = changes["oracle_targeting", "model"]
    assert (changed.kind, changed.old) == (ReasonKind.MODEL_CHANGED, "other")
    assert changed.new == bench.project.model_id("judge")
    assert ("oracle_targeting", "prompt judge_mode") in changes


def test_what_costs_nothing_does_not_make_the_sum_known() -> None:
    free, unknown, known = Cost(), Cost(3, 3, 3, tokens=None, seconds=None), Cost(1, 1, 1, tokens=10, seconds=0.5)
    assert Cost.total([]) == Cost.total([free, free]) == free
    assert Cost.total([free, unknown]) == unknown
    assert Cost.total([free, unknown, known]) == Cost(4, 4, 4, tokens=10, seconds=0.5)


def test_cost_is_estimated_from_recorded_rows(bench: Bench) -> None:
    settle(bench)
    CHANGES["query prompt"](bench)
    steps = [step for step in make_plan(bench.project).steps if step.asset == "queries"]
    assert sum(step.cost.seconds or 0 for step in steps) == pytest.approx(
        0.001 * sum(step.rows_stale for step in steps)
    )
