"""Laws of frame plans."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videopasta_assets.errors import UserError
from videopasta_assets.video.plan import SamplingSpec, Strategy, moved_plan, plan_frames, plans_coincide, sparse_spec


@dataclass(frozen=True)
class Times:
    pts: tuple[float, ...]
    duration: float
    keyframes: tuple[int, ...] = ()

    @property
    def fps(self) -> float:
        return len(self.pts) / self.duration


def constant(frames: int, fps: float = 30.0) -> Times:
    return Times(tuple(index / fps for index in range(frames)), frames / fps)


@st.composite
def variable_rates(draw: st.DrawFn) -> Times:
    steps = draw(st.lists(st.integers(1, 900), min_size=1, max_size=200))
    ticks = [sum(steps[:position]) for position in range(len(steps))]
    return Times(tuple(tick / 1000 for tick in ticks), sum(steps) / 1000)


specs = st.builds(
    SamplingSpec,
    strategy=st.sampled_from(["count", "fps", "window"]),
    value=st.one_of(st.integers(1, 400), st.floats(1, 400)),
    max_frames=st.integers(1, 64),
    window_seconds=st.floats(0.05, 10),
)


@given(variable_rates(), st.integers(1, 40), st.sampled_from(["count", "fps"]), st.sets(st.integers(0, 199)))
def test_a_snapped_plan_holds_the_nearest_keyframes_alone(
    times: Times, value: int, strategy: Strategy, keyframes: set[int]
) -> None:
    keys = tuple(sorted(number for number in keyframes if number < len(times.pts)))
    spec = SamplingSpec(strategy, value)
    free = plan_frames(times, spec, "sparse")
    snapped = plan_frames(replace(times, keyframes=keys), replace(spec, snap="keyframe"), "sparse")
    if not keys:
        assert snapped.indices == free.indices
        return
    assert set(snapped.indices) <= set(keys)
    assert list(snapped.indices) == sorted(set(snapped.indices))
    assert snapped.timestamps == tuple(times.pts[index] for index in snapped.indices)
    for second in free.timestamps:
        nearest = min(abs(times.pts[key] - second) for key in keys)
        assert min(abs(chosen - second) for chosen in snapped.timestamps) <= nearest + 2e-3


def test_a_choice_to_snap_is_part_of_the_specification() -> None:
    assert SamplingSpec(snap="keyframe").spec_hash != SamplingSpec().spec_hash
    # What rows that were planned before there was a choice hold.
    assert SamplingSpec().spec_hash == "32171985cb9d675a000b03fab0aac078"
    with pytest.raises(UserError, match="a window cannot be snapped"):
        SamplingSpec("window", 8, snap="keyframe")
    with pytest.raises(UserError, match="unknown snap 'scene'"):
        SamplingSpec(snap="scene")  # type: ignore[arg-type]


@given(variable_rates(), specs)
def test_a_plan_is_sorted_unique_bounded_and_deterministic(times: Times, spec: SamplingSpec) -> None:
    plan = plan_frames(times, spec, "dense")
    assert list(plan.indices) == sorted(set(plan.indices))
    assert plan.indices[0] >= 0
    assert plan.indices[-1] < len(times.pts) == plan.total_frames
    assert 1 <= len(plan.indices) <= min(spec.budget, spec.max_frames)
    assert plan.timestamps == tuple(times.pts[index] for index in plan.indices)
    assert plan == plan_frames(times, spec, "dense")
    assert plan.sampled_fps > 0


@given(variable_rates(), st.integers(1, 100))
def test_a_count_is_met_unless_the_video_has_fewer(times: Times, count: int) -> None:
    plan = plan_frames(times, SamplingSpec(value=count, max_frames=100), "dense")
    assert len(plan.indices) == min(count, len(times.pts))


@given(st.integers(1, 3000), st.integers(1, 64))
def test_counts_take_the_middle_of_equal_segments(frames: int, count: int) -> None:
    plan = plan_frames(constant(frames), SamplingSpec(value=count, max_frames=64), "dense")
    if count >= frames:
        assert plan.indices == tuple(range(frames))
    else:
        segment = frames / count
        assert all(abs(index - (k + 0.5) * segment) <= 1 for k, index in enumerate(plan.indices))
        mirrored = [frames - 1 - index for index in reversed(plan.indices)]
        assert all(abs(a - b) <= 1 for a, b in zip(plan.indices, mirrored, strict=True))


@pytest.mark.parametrize("jitter", [0.0, 0.0004, -0.0004])
def test_a_rate_does_not_wobble_with_the_rounding_of_timestamps(jitter: float) -> None:
    exact = plan_frames(constant(300), SamplingSpec("fps", 2), "dense")
    rounded = Times(tuple(index / 30 + (jitter if index % 2 else 0) for index in range(300)), 10.0)
    assert plan_frames(rounded, SamplingSpec("fps", 2), "dense").indices == exact.indices
    assert len(exact.indices) == 20
    assert len({b - a for a, b in zip(exact.indices, exact.indices[1:], strict=False)}) == 1


def test_a_rate_above_the_native_one_gives_every_frame_once() -> None:
    assert plan_frames(constant(20), SamplingSpec("fps", 1000), "dense").indices == tuple(range(20))


def test_a_window_stays_inside_its_second() -> None:
    plan = plan_frames(constant(300), SamplingSpec("window", 32), "dense")
    assert plan.timestamps[0] >= 4.5 - 1e-6
    assert plan.timestamps[-1] < 5.5
    assert len(plan.indices) == 30
    early = plan_frames(constant(300), SamplingSpec("window", 4, window_start=0), "dense")
    assert early.timestamps[-1] < 1


def test_literal_rates_coincide_under_the_cap_and_budgets_do_not() -> None:
    long_video = constant(30 * 60)
    dense, sparse = SamplingSpec("fps", 32), SamplingSpec("fps", 1)
    assert plans_coincide(plan_frames(constant(30), dense, "dense"), plan_frames(constant(30), dense, "sparse"))
    literal = [plan_frames(long_video, spec, "x") for spec in (dense, sparse)]
    assert len(literal[0].indices) == len(literal[1].indices) == 32
    budget = plan_frames(long_video, sparse_spec(SamplingSpec(), 1 / 32), "sparse")
    assert len(budget.indices) == 1
    assert not plans_coincide(plan_frames(long_video, SamplingSpec(), "dense"), budget)


@pytest.mark.parametrize(
    ("dense", "ratio", "frames"),
    [(32, 1 / 32, 1), (32, 1 / 2, 16), (16, 1 / 16, 1), (8, 1 / 3, 2), (32, 1, 32), (4, 1 / 32, 1)],
)
def test_sparse_budgets_keep_the_ratio(dense: int, ratio: float, frames: int) -> None:
    assert sparse_spec(SamplingSpec(value=dense), ratio).budget == frames


def test_identity_is_of_the_frames_and_the_spec_hash_of_the_spec() -> None:
    times = constant(64)
    one, same = (
        plan_frames(times, SamplingSpec(value=value), role) for value, role in ((32, "dense"), (32.0, "sparse"))
    )
    assert one.identity == same.identity
    assert one.spec_hash == same.spec_hash
    assert one.spec_hash != SamplingSpec(value=31).spec_hash
    assert one.identity != plan_frames(constant(64, 25.0), SamplingSpec(), "dense").identity


@pytest.mark.parametrize(
    "wrong",
    [
        {"strategy": "random"},
        {"value": 0},
        {"value": float("nan")},
        {"value": 0.5},
        {"max_frames": 0},
        {"window_seconds": 0},
    ],
)
def test_impossible_specs_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UserError):
        SamplingSpec(**wrong)  # type: ignore[arg-type]


def test_a_window_beyond_the_end_is_refused() -> None:
    with pytest.raises(UserError, match="starts at 20"):
        plan_frames(constant(30), SamplingSpec("window", 8, window_start=20), "dense")


@given(variable_rates(), st.integers(1, 40), st.integers(1, 8))
def test_a_moved_plan_is_a_plan_of_the_same_video_near_the_first(times: Times, count: int, of: int) -> None:
    plan = plan_frames(times, SamplingSpec(value=count, max_frames=40), "dense")
    assert moved_plan(plan, times.pts, 0, of) == plan
    for number in range(1, of):
        moved = moved_plan(plan, times.pts, number, of)
        assert list(moved.indices) == sorted(set(moved.indices))
        assert len(moved.indices) <= len(plan.indices)
        assert moved.timestamps == tuple(times.pts[index] for index in moved.indices)


def test_moved_plans_lie_between_the_frames_of_the_first() -> None:
    times = constant(160)
    plan = plan_frames(times, SamplingSpec(value=8, max_frames=8), "dense")
    starts = [moved_plan(plan, times.pts, number, 4).indices[0] for number in range(4)]
    assert starts == [10, 15, 5, 20]
