"""Exact frames by PyAV, at the price of the groups of pictures that hold them.

A plan first, from the file's index: the targets are put in runs that share a starting keyframe; each run costs one
seek, and frames that no other frame refers to are not decoded unless they are targets. Every delivered frame is
matched by its presentation time. Once the packet of a run's last target is in, the decoder is drained: it would hold
frames back until as many more are decoded as it may have to reorder. Where a seek or a match fails, the file is decoded
from its start.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from videopasta_assets.video.guard import (
    DEFAULT_LIMITS,
    GuardedFile,
    MediaLimits,
    UnreadableVideo,
    check_size,
    guarded_file,
)
from videopasta_assets.video.index import FrameIndex, Keyframe, decoded, packets, remembered_index

Frames = NDArray[np.uint8]

TIME_TOLERANCE: Final = 1e-3
"""Seconds by which a planned and a delivered timestamp may differ."""
_RUN_ON_FRAMES: Final = 12
"""Decoding on over a gap this short is cheaper than a seek, which empties the decoder's pipeline."""
_NONREF_SAFE: Final = frozenset({"h264", "hevc"})


class _PlanFailedError(Exception):
    """The file did not do what its index promised; decode it from the start instead."""


@dataclass(frozen=True)
class _Run:
    start: Keyframe
    ticks: tuple[int, ...]


class PyavReader:
    """Index-exact reader in this process. One thread at a time; `threads` are FFmpeg's own.

    `order` "sequential" never seeks: the slow, simple way that the planned one is tested against.
    """

    name: Final = "pyav"

    def __init__(
        self,
        roots: Sequence[Path],
        *,
        limits: MediaLimits = DEFAULT_LIMITS,
        threads: int = 1,
        order: Literal["planned", "sequential"] = "planned",
    ) -> None:
        self._roots = tuple(roots)
        self._limits = limits
        self._threads = threads
        self._order = order

    def index(self, path: Path) -> FrameIndex:
        """Frames of the file at `path`, remembered until the file changes.

        Raises:
            UnreadableVideo: the file cannot be opened or indexed.
        """
        with guarded_file(path, self._roots, self._limits) as file:
            return remembered_index(file)

    def read(
        self,
        path: Path,
        indices: Sequence[int],
        *,
        max_side: int | None = None,
        timestamps: Sequence[float] | None = None,
    ) -> Frames:
        """Frames `indices` (any order, repeats allowed) as (T, H, W, 3) uint8 RGB, upright. See `FrameReader.read`."""
        with guarded_file(path, self._roots, self._limits) as file:
            index = remembered_index(file)
            width, height = fitted_size(index.width, index.height, max_side)
            wanted = check_request(index, indices, timestamps, width * height * 3, self._limits)
            pictures = self._pictures(file, index, wanted, _converter(index, width, height, self._limits))
            file.check_unchanged()
        return np.stack([pictures[number] for number in indices])

    def _pictures(
        self, file: GuardedFile, index: FrameIndex, wanted: list[int], convert: Callable[[VideoFrame], Frames]
    ) -> dict[int, Frames]:
        if index.keyframes and self._order == "planned":
            try:
                return self._planned(file, index, wanted, convert)
            except (_PlanFailedError, av.FFmpegError):
                pass
        return self._sequential(file, index, wanted, convert)

    def _planned(
        self, file: GuardedFile, index: FrameIndex, wanted: list[int], convert: Callable[[VideoFrame], Frames]
    ) -> dict[int, Frames]:
        number_of = {index.ticks[number]: number for number in wanted}
        found: dict[int, Frames] = {}
        with file.open(self._threads) as (container, stream):
            for run in _runs(index, wanted):
                for frame in _decode_run(container, stream, run, index):
                    found[number_of[frame.pts or 0]] = convert(frame)
        return found

    def _sequential(
        self, file: GuardedFile, index: FrameIndex, wanted: list[int], convert: Callable[[VideoFrame], Frames]
    ) -> dict[int, Frames]:
        remaining = set(wanted)
        by_tick: dict[int | None, int] | None = None
        if index.keyframes:
            by_tick = {index.ticks[number]: number for number in wanted}
        found: dict[int, Frames] = {}
        with file.open(self._threads) as (container, stream):
            for position, (frame, trusted) in enumerate(decoded(container, stream)):
                number = position if by_tick is None else by_tick.get(frame.pts, -1)
                if number in remaining:
                    if not trusted:
                        raise UnreadableVideo(f"the video is damaged at or before frame {number}")
                    found[number] = convert(frame)
                    remaining.discard(number)
                    if not remaining:
                        break
        if remaining:
            raise UnreadableVideo(
                f"frame {min(remaining)} of {len(index.ticks)} cannot be decoded; the video is damaged"
            )
        return found


def fitted_size(width: int, height: int, max_side: int | None) -> tuple[int, int]:
    """Size with the longer side at most `max_side`, the shape kept, never enlarged; pixels."""
    if max_side is None or max(width, height) <= max_side:
        return width, height
    scale = max_side / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def check_request(
    index: FrameIndex,
    indices: Sequence[int],
    timestamps: Sequence[float] | None,
    frame_bytes: int,
    limits: MediaLimits,
) -> list[int]:
    """Distinct wanted frames, ascending, after checking that the file has them, at the planned times (seconds).

    Raises:
        UnreadableVideo: a frame that does not exist or is shown at another time, or more than fits in memory.
    """
    if len(indices) == 0:
        raise UnreadableVideo("no frames were asked for")
    if len(indices) * frame_bytes > limits.max_read_bytes:
        raise UnreadableVideo(f"{len(indices)} frames of this size need too much memory; ask for smaller ones")
    total = len(index.ticks)
    outside = [number for number in indices if not 0 <= number < total]
    if outside:
        raise UnreadableVideo(f"frame {outside[0]} does not exist: the video has {total} frames")
    if timestamps is not None:
        for number, second in zip(indices, timestamps, strict=True):
            actual = float((index.ticks[number] - index.ticks[0]) * index.time_base)
            if abs(actual - second) > TIME_TOLERANCE:
                raise UnreadableVideo(
                    f"frame {number} is at {actual:.3f} s where the plan has {second:.3f} s: the file changed since"
                )
    return sorted({int(number) for number in indices})


def _runs(index: FrameIndex, wanted: list[int]) -> Iterator[_Run]:
    """Targets grouped by the keyframe that decoding starts at: the last one shown no later than the target."""
    key_ticks = [keyframe.pts for keyframe in index.keyframes]
    start = -1
    ticks: list[int] = []
    previous = -1
    for number in wanted:
        tick = index.ticks[number]
        keyframe = max(0, bisect_right(key_ticks, tick) - 1)
        near = ticks and bisect_right(index.ticks, key_ticks[keyframe]) - 1 - previous <= _RUN_ON_FRAMES
        if ticks and keyframe != start and not near:
            yield _Run(index.keyframes[start], tuple(ticks))
            ticks = []
        if not ticks:
            start = keyframe
        ticks.append(tick)
        previous = number
    yield _Run(index.keyframes[start], tuple(ticks))


def _decode_run(container: InputContainer, stream: VideoStream, run: _Run, index: FrameIndex) -> Iterator[VideoFrame]:
    """The run's frames, in order.

    Raises:
        _PlanFailedError: the seek landed elsewhere, or a frame is damaged or does not come.
    """
    container.seek(run.start.seek, stream=stream, backward=True)  # which also empties the decoder
    waiting, unsent = set(run.ticks), set(run.ticks)
    last = run.ticks[-1]
    may_skip = index.codec in _NONREF_SAFE
    context = stream.codec_context
    earlier = {keyframe.pts for keyframe in index.keyframes if keyframe.pts < run.start.pts}
    started = False
    for packet in packets(container, stream):
        if not started and packet.pts != run.start.pts and packet.pts not in earlier:
            raise _PlanFailedError
        if packet.is_corrupt:
            raise _PlanFailedError
        started = True
        context.skip_frame = "NONREF" if may_skip and packet.pts not in waiting else "DEFAULT"
        if packet.pts is not None:
            unsent.discard(packet.pts)
        frames = packet.decode()
        if not unsent and packet.size:
            frames = [*frames, *context.decode(None)]
        for frame in frames:
            if not isinstance(frame, VideoFrame) or frame.pts is None:
                raise _PlanFailedError
            if frame.pts in waiting:
                if frame.is_corrupt:
                    raise _PlanFailedError
                waiting.discard(frame.pts)
                yield frame
                if not waiting:
                    return
            elif frame.pts > last:
                raise _PlanFailedError
        if not unsent:
            break
    raise _PlanFailedError


def _converter(index: FrameIndex, width: int, height: int, limits: MediaLimits) -> Callable[[VideoFrame], Frames]:
    """Frame to (height, width, 3) RGB, upright. A stream may change its picture size; all come out alike."""
    # One reformatter for all frames, without threads of its own: its set-up costs more than a small picture.
    reformatter = VideoReformatter()
    turns = index.rotation // 90
    stored = (width, height) if turns % 2 == 0 else (height, width)

    def convert(frame: VideoFrame) -> Frames:
        check_size(frame.width, frame.height, limits)
        converted = reformatter.reformat(frame, *stored, format="rgb24", interpolation="AREA", threads=1)
        picture = np.asarray(converted.to_ndarray(), dtype=np.uint8)
        return np.rot90(picture, turns) if turns else picture

    return convert
