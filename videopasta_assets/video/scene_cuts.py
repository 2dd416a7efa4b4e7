"""Where a video's scenes change, by PySceneDetect's content detector over frames that our own reader decodes."""

from typing import Final

import numpy as np

from videopasta_assets.errors import UserError
from videopasta_assets.video.probe import VideoInfo
from videopasta_assets.video.reader import FrameReader

_SIDE: Final = 160
_CHUNK: Final = 512


def scene_bounds(
    source: VideoInfo, reader: FrameReader, *, threshold: float, min_seconds: float, limit: float
) -> list[tuple[float, float]]:
    """(start, end) in seconds of the scenes among the first `limit` seconds, without gaps.

    Args:
        source: the video.
        reader: decodes its frames.
        threshold: of the detector: mean change of hue, saturation and brightness, of 255.
        min_seconds: a shorter scene is joined with its neighbour.
        limit: seconds that are looked at.

    Raises:
        UserError: the detector is not installed.
    """
    try:
        from scenedetect import ContentDetector
        from scenedetect.common import FrameTimecode
        from scenedetect.detector import FlashFilter
    except ImportError as error:
        raise UserError(
            "scenes cannot be detected: scenedetect is not installed",
            fix="pip install 'videopasta-assets[scenes]', or give recipe.timewarp_explicit.annotations.",
        ) from error
    detector = ContentDetector(
        threshold=threshold,
        min_scene_len=max(1, round(min_seconds * source.fps)),
        filter_mode=FlashFilter.Mode.SUPPRESS,
    )
    wanted = [int(index) for index in np.flatnonzero(source.pts < limit)]
    cuts: set[int] = set()
    for first in range(0, len(wanted), _CHUNK):
        chunk = wanted[first : first + _CHUNK]
        seconds = [float(source.pts[index]) for index in chunk]
        pictures = reader.read(source.path, chunk, max_side=_SIDE, timestamps=seconds)
        for index, picture in zip(chunk, pictures, strict=True):
            bgr = np.ascontiguousarray(picture[:, :, ::-1])
            found = detector.process_frame(FrameTimecode(index, source.fps), bgr)
            cuts.update(cut.frame_num for cut in found)
    end = min(source.duration, limit)
    starts = [0.0, *(float(source.pts[index]) for index in sorted(cuts) if 0 < index < source.total_frames)]
    return [(start, stop) for start, stop in zip(starts, [*starts[1:], end], strict=True) if stop > start]
