"""Checks of aligned responses that can see."""

from tests.stages.conftest import Bench


def test_samples_on_the_policys_frames_are_kept_and_have_no_vote(bench: Bench) -> None:
    bench.edit("recipe: {", "recipe: {aligned_check: {method: self_consistency, samples: 3, policy_samples: 2}, ")
    bench.edit("dense:", "policy: {value: 5}, dense:")
    bench.run()
    checks = bench.rows("aligned_checks")
    assert checks
    assert all((row["asked"], len(row["replies"])) == (3, 5) for row in checks)  # type: ignore[arg-type]
    key = checks[0]["response_id"]
    asked = [request for request in bench.engine.requests if request.request_id.startswith(f"{key}.")]
    frames = {request.request_id[-1]: len(request.clip.plan.indices) for request in asked if request.clip is not None}
    assert frames == {"0": 8, "1": 8, "2": 8, "3": 5, "4": 5}
    assert len({request.seed for request in asked}) == 5


def test_other_policy_frames_ask_again(bench: Bench) -> None:
    bench.edit("recipe: {", "recipe: {aligned_check: {method: self_consistency, samples: 1, policy_samples: 1}, ")
    bench.edit("dense:", "policy: {value: 5}, dense:")
    bench.run()
    bench.engine.forget()
    bench.run()
    assert not bench.engine.requests
    bench.edit("value: 5", "value: 4")
    bench.run()
    assert len(bench.engine.requests) == 2 * len(bench.rows("aligned_checks"))
