"""A new video file from intervals of another one, in any order: each interval whole, its frames at their own pace."""

import hashlib
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Final

import av
import numpy as np
from numpy.typing import NDArray

from videopasta_assets.errors import UserError
from videopasta_assets.video.probe import VideoInfo
from videopasta_assets.video.reader import FrameReader

_TICKS: Final = 90_000
"""Time base of what is written: fine enough for any native rate."""
_CHUNK_BYTES: Final = 128 << 20
_ENCODER: Final = {"crf": "18", "preset": "veryfast", "x264-params": "log-level=none:threads=1"}


def rebuild(source: VideoInfo, intervals: Sequence[tuple[float, float]], target: Path, reader: FrameReader) -> float:
    """Write the intervals of `source`, one after the other, as an H.264 file without sound; returns its seconds.

    Every interval shows the frames that begin in it, at the distances that they have in the source. The same intervals
    in another order give a file of the same frames and the same length.

    Args:
        source: the video that is cut.
        intervals: (start, end) in seconds.
        target: file to write; it appears complete or not at all.
        reader: decodes the frames.

    Raises:
        UserError: an interval without a frame.
        UnreadableVideo: a frame cannot be decoded.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_suffix(".partial")
    try:
        with av.open(str(partial), "w", format="mp4") as container:
            rate = Fraction(source.fps).limit_denominator(1001)
            stream = container.add_stream("libx264", rate=rate, options=_ENCODER)
            stream.width, stream.height = source.width - source.width % 2, source.height - source.height % 2
            stream.pix_fmt = "yuv420p"
            stream.thread_count = 1
            # The encoder rounds times to its own base: at one tick a frame, frames at a joint would fall together.
            stream.codec_context.time_base = Fraction(1, _TICKS)
            now = 0.0
            for start, end in intervals:
                for second, picture in _frames(source, start, end, reader):
                    frame = av.VideoFrame.from_ndarray(picture[: stream.height, : stream.width], format="rgb24")
                    frame.pts, frame.time_base = round((now + second - start) * _TICKS), Fraction(1, _TICKS)
                    container.mux(stream.encode(frame))
                now += end - start
            container.mux(stream.encode())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return now


def file_identity(path: Path) -> str:
    """SHA-256 of the file's bytes: its `video_id`."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _frames(
    source: VideoInfo, start: float, end: float, reader: FrameReader
) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """(second in the source, picture) of the frames that begin in [start, end)."""
    wanted = [int(index) for index in np.flatnonzero((source.pts >= start - 1e-6) & (source.pts < end - 1e-6))]
    if not wanted:
        raise UserError(f"no frame lies between {start:g} and {end:g} s")
    at_once = max(1, _CHUNK_BYTES // (source.width * source.height * 3))
    for first in range(0, len(wanted), at_once):
        chunk = wanted[first : first + at_once]
        seconds = [float(source.pts[index]) for index in chunk]
        yield from zip(seconds, reader.read(source.path, chunk, timestamps=seconds), strict=True)
