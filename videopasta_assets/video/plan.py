"""Frame plans: which frames of a video a role sees, decided without a decoder.

VideoPASTA speaks of "32 fps" dense and "1 fps" sparse frames and of at most 32 frames (sections 3.1-3.3, 4).
Read literally, both give the same 32 frames on every video of 32 s or more; so a rate is only one of three
strategies here, and `plans_coincide` exists to be checked.
"""

import math
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from typing import Final, Literal, Protocol

from videopasta_assets.errors import UserError
from videopasta_assets.hashing import stable_hash

Strategy = Literal["count", "fps", "window"]
Snap = Literal["none", "keyframe"]

_TIE_SECONDS: Final = 2e-3
"""Containers round timestamps to as little as 1 ms: nearer than this is a tie, and the earlier frame wins."""


class FrameTimes(Protocol):
    """What a plan needs to know of a video; `VideoInfo` has it."""

    @property
    def fps(self) -> float:
        """Average native frames per second."""
        ...

    @property
    def duration(self) -> float:
        """Seconds."""
        ...

    @property
    def pts(self) -> Iterable[float]:
        """Presentation time of each frame, seconds from the first, ascending."""
        ...

    @property
    def keyframes(self) -> Sequence[int]:
        """Frames, ascending, that decoding can start at; none where the file does not tell."""
        ...


@dataclass(frozen=True)
class SamplingSpec:
    """How frames are chosen.

    count: `value` frames, the midpoints of as many equal segments. fps: `value` frames per second over the whole
    video. window: `value` frames per second inside `window_seconds`, which start at `window_start` seconds
    (default: in the middle of the video). Never more than `max_frames`, thinned evenly; never more than there are.

    With `snap` keyframe each chosen frame gives way to the keyframe nearest in time, which is read without decoding
    any other. They are other moments than asked for, and fewer where two have the same nearest one; in a file that
    does not tell its keyframes the frames stay as chosen.
    """

    strategy: Strategy = "count"
    value: float = 32
    max_frames: int = 32
    window_start: float | None = None
    window_seconds: float = 1.0
    snap: Snap = "none"

    def __post_init__(self) -> None:
        """Refuse what cannot be sampled.

        Raises:
            UserError: an unknown strategy, or a number that is out of range.
        """
        if self.strategy not in ("count", "fps", "window"):
            raise UserError(f"unknown sampling strategy {self.strategy!r}", fix="Use count, fps or window.")
        if not (math.isfinite(self.value) and self.value > 0) or self.max_frames < 1:
            raise UserError(
                f"cannot sample {self.value} with at most {self.max_frames} frames",
                fix="value must be over 0 and max_frames at least 1.",
            )
        if self.strategy == "count" and self.value < 1:
            raise UserError(
                f"cannot sample {self.value} frames", fix="For count, value is a number of frames, 1 or more."
            )
        if not (math.isfinite(self.window_seconds) and self.window_seconds > 0):
            raise UserError(f"a window of {self.window_seconds} s", fix="window_seconds must be over 0.")
        if self.snap not in ("none", "keyframe"):
            raise UserError(f"unknown snap {self.snap!r}", fix="Use none or keyframe.")
        if self.snap != "none" and self.strategy == "window":
            raise UserError(
                "a window cannot be snapped to keyframes, which may all lie outside it",
                fix="Leave snap out, or use strategy count or fps.",
            )

    @property
    def spec_hash(self) -> str:
        """Stable digest: equal specifications, equal hash; an integral `value` counts the same as int or float."""
        parts = {**asdict(self), "value": float(self.value), "window_seconds": float(self.window_seconds)}
        if self.snap == "none":  # frames that were planned before there was a choice are the same
            del parts["snap"]
        return stable_hash(parts)

    @property
    def budget(self) -> int:
        """The most frames that a plan of this specification can have (for fps: `max_frames`)."""
        if self.strategy == "count":
            return min(int(self.value), self.max_frames)
        if self.strategy == "window":
            return min(max(1, math.floor(self.value * self.window_seconds)), self.max_frames)
        return self.max_frames


@dataclass(frozen=True)
class FramePlan:
    """The frames of one video that `role` sees.

    `indices` count frames in presentation order from 0; `timestamps` are their exact presentation times in seconds
    from the first frame. `fps` is the video's average native rate, `duration` its length in seconds.
    """

    role: str
    indices: tuple[int, ...]
    timestamps: tuple[float, ...]
    total_frames: int
    fps: float
    duration: float
    spec_hash: str

    @property
    def identity(self) -> str:
        """Digest of the chosen frames alone: two roles that see the same frames share it."""
        return stable_hash(self.indices, self.timestamps)

    @property
    def sampled_fps(self) -> float:
        """Frames per second among the chosen ones, over the span that they cover; one frame: one per duration."""
        if len(self.indices) > 1:
            return (len(self.indices) - 1) / (self.timestamps[-1] - self.timestamps[0])
        return 1.0 / self.duration if self.duration > 0 else self.fps


def plan_frames(info: FrameTimes, spec: SamplingSpec, role: str) -> FramePlan:
    """Choose frames: pure, deterministic and the same for every decoder.

    Indices come out ascending and without repeats, at least one and at most `spec.budget`; a rate or a count above
    what the video has gives all its frames, never a repeated one.

    Raises:
        UserError: the video has no frames, or the window starts after its end.
    """
    pts = [float(second) for second in info.pts]
    if not pts:
        raise UserError("a video without frames cannot be sampled")
    if spec.strategy == "count":
        indices = _midpoints(len(pts), spec.budget)
    elif spec.strategy == "fps":
        indices = _at_rate(pts, spec.value, 0.0, info.duration)
    else:
        start = _window_start(info.duration, spec)
        end = min(start + spec.window_seconds, info.duration)
        rated = _at_rate(pts, spec.value, start, end)
        indices = [index for index in rated if start - _TIE_SECONDS <= pts[index] < end] or rated[:1]
    if len(indices) > spec.budget:
        indices = [indices[position] for position in _midpoints(len(indices), spec.budget)]
    if spec.snap == "keyframe" and info.keyframes:
        times = [pts[number] for number in info.keyframes]
        indices = sorted({info.keyframes[_nearest(times, pts[index])] for index in indices})
    return FramePlan(
        role=role,
        indices=tuple(indices),
        timestamps=tuple(pts[index] for index in indices),
        total_frames=len(pts),
        fps=info.fps,
        duration=info.duration,
        spec_hash=spec.spec_hash,
    )


def sparse_spec(dense: SamplingSpec, ratio: float | Fraction) -> SamplingSpec:
    """Sparse frames in proportion to the dense budget: `max(1, floor(n_dense * ratio))` frames, spread evenly.

    `ratio` is sparse over dense (VideoPASTA's 32:1 is 1/32). This reading of the sampling ablation (table 5) keeps
    dense and sparse apart on videos of every length.

    Raises:
        UserError: a ratio outside (0, 1].
    """
    if not 0 < ratio <= 1:
        raise UserError(f"a sparse to dense ratio of {ratio}", fix="It must be over 0 and at most 1.")
    exact = Fraction(ratio).limit_denominator(4096)
    return SamplingSpec(strategy="count", value=max(1, math.floor(dense.budget * exact)), max_frames=dense.max_frames)


def moved_plan(plan: FramePlan, pts: Sequence[float], number: int, of: int) -> FramePlan:
    """Plan `number` of `of` over the same video: each frame moved by that share of the step to its neighbours.

    Number 0 is `plan` itself; the others go forward and back in turn, by less than a step and at most half of one:
    1/of, -1/of, 2/of, ... `pts` are the presentation times of all frames of the video, in seconds.
    """
    share = (number + 1) // 2 / of * (1 if number % 2 else -1)
    indices = plan.indices
    step = (indices[-1] - indices[0]) / (len(indices) - 1) if len(indices) > 1 else len(pts)
    moved = sorted({min(max(index + round(share * step), 0), len(pts) - 1) for index in indices})
    return replace(plan, indices=tuple(moved), timestamps=tuple(float(pts[index]) for index in moved))


def plans_coincide(dense: FramePlan, sparse: FramePlan) -> bool:
    """Whether both roles see the same frames, so that the prompt alone makes their answers differ."""
    return dense.indices == sparse.indices


def _midpoints(total: int, wanted: int) -> list[int]:
    """Middle of each of `wanted` equal segments of `range(total)`; integers only, so that nothing rounds."""
    count = min(wanted, total)
    return [(2 * position + 1) * total // (2 * count) for position in range(count)]


def _at_rate(pts: Sequence[float], rate: float, start: float, end: float) -> list[int]:
    """Frames nearest to the midpoints of intervals of 1/rate seconds in [start, end); at least one."""
    steps = max(1, math.floor((end - start) * rate + 1e-6))
    # A grid finer than the frames would only repeat them.
    steps = min(steps, max(1, 4 * len(pts)))
    interval = (end - start) / steps if steps == 4 * len(pts) else 1.0 / rate
    nearest = {_nearest(pts, min(start + (step + 0.5) * interval, end)) for step in range(steps)}
    return sorted(nearest)


def _nearest(pts: Sequence[float], second: float) -> int:
    right = bisect_left(pts, second)
    if right == 0:
        return 0
    if right == len(pts):
        return len(pts) - 1
    left = right - 1
    return right if (second - pts[left]) - (pts[right] - second) > _TIE_SECONDS else left


def _window_start(duration: float, spec: SamplingSpec) -> float:
    if spec.window_start is None:
        return max(0.0, (duration - spec.window_seconds) / 2)
    if spec.window_start < 0 or spec.window_start >= duration:
        raise UserError(
            f"the sampling window starts at {spec.window_start} s of a video of {duration:.3f} s",
            fix="Leave window_start out to take the middle.",
        )
    return spec.window_start
