"""What a video file is: identity, shape and the time of every frame."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from videopasta_assets.video.guard import DEFAULT_LIMITS, MediaLimits, UnreadableVideo, guarded_file
from videopasta_assets.video.identity import descriptor_id
from videopasta_assets.video.index import remembered_index

__all__ = ["UnreadableVideo", "VideoInfo", "probe"]


@dataclass(frozen=True)
class VideoInfo:
    """One video file.

    `video_id` is the SHA-256 of the file's bytes. `width` and `height` are of the upright picture, `rotation` the
    degrees (counterclockwise, a multiple of 90) that readers turn stored pictures by. `total_frames` counts frames
    that are shown; `pts` holds the presentation time of each in seconds from the first, float64, ascending.
    `duration` is in seconds, to the end of the last frame; `fps` is `total_frames / duration`. `keyframes` are the
    frames, ascending, that decoding can start at; there are some when the index comes from the container alone, and
    then single frames are cheap.
    """

    video_id: str
    path: Path
    size_bytes: int
    container: str
    codec: str
    width: int
    height: int
    rotation: int
    fps: float
    total_frames: int
    duration: float
    keyframes: tuple[int, ...]
    pts: NDArray[np.float64] = field(compare=False, repr=False)


def probe(path: Path, roots: Sequence[Path], limits: MediaLimits = DEFAULT_LIMITS) -> VideoInfo:
    """Identify and index the video at `path`, in this process (see `worker.probe_safely` for untrusted files).

    Raises:
        UnreadableVideo: `path` is no video inside `roots` that we can read; the reason is for people.
    """
    with guarded_file(path, roots, limits) as file:
        index = remembered_index(file)
        video_id = descriptor_id(file.descriptor)
        file.check_unchanged()
        return VideoInfo(
            video_id=video_id,
            path=path,
            size_bytes=file.size_bytes,
            container=index.container,
            codec=index.codec,
            width=index.width,
            height=index.height,
            rotation=index.rotation,
            fps=index.fps,
            total_frames=len(index.ticks),
            duration=index.duration,
            keyframes=index.key_numbers,
            pts=np.asarray(index.seconds, dtype=np.float64),
        )
