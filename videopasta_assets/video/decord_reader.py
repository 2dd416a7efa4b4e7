"""decord as a selectable backend: quick on contiguous frames of plain files, and silently wrong on others.

decord 0.6 ignores edit lists (every clip cut with `ffmpeg -c copy`), confuses frames of open groups of pictures,
transport streams, intra refresh and MPEG-4 with B-frames, takes another film of the file than players do, and shows
an earlier picture in the place of a damaged one. So this reader refuses all but plain files, and those where decord's
frame count or timestamps differ from the file's own; that a picture is damaged it cannot see, and the stage
`sampled_videos` looks for it with the exact reader. `decoder: auto` never uses decord.
Only run it in a worker process: on some files it never returns.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from videopasta_assets.video.guard import DEFAULT_LIMITS, MediaLimits, UnreadableVideo, guarded_file
from videopasta_assets.video.index import FrameIndex, remembered_index
from videopasta_assets.video.pyav_reader import TIME_TOLERANCE, check_request, fitted_size


class DecordReader:
    """decord in this process, one thread."""

    name: Final = "decord"

    def __init__(self, roots: Sequence[Path], *, limits: MediaLimits = DEFAULT_LIMITS) -> None:
        self._roots = tuple(roots)
        self._limits = limits

    def read(
        self,
        path: Path,
        indices: Sequence[int],
        *,
        max_side: int | None = None,
        timestamps: Sequence[float] | None = None,
    ) -> NDArray[np.uint8]:
        """See `FrameReader.read`; refuses files on which decord is known to count or time frames wrongly."""
        import decord

        decord.logging.set_level(decord.logging.QUIET)
        with guarded_file(path, self._roots, self._limits) as file:
            index = remembered_index(file)
            width, height = fitted_size(index.width, index.height, max_side)
            check_request(index, indices, timestamps, width * height * 3, self._limits)
            if not index.plain:
                raise UnreadableVideo(
                    "decord confuses the frames of files of this kind (open groups of pictures, several films, or a "
                    "container that it cannot seek in); use decoder: pyav"
                )
            try:
                video = decord.VideoReader(f"/dev/fd/{file.descriptor}", num_threads=1)
                _check_agreement(video, index, indices)
                frames: NDArray[np.uint8] = video.get_batch(list(indices)).asnumpy()
            except (decord.DECORDError, RuntimeError, IndexError) as error:
                raise UnreadableVideo("decord cannot decode this file; use decoder: pyav") from error
            file.check_unchanged()
        if frames.shape[1:3] != (index.height, index.width):
            raise UnreadableVideo("decord turns or sizes the frames of this file wrongly; use decoder: pyav for it")
        return frames if (width, height) == (index.width, index.height) else _shrunk(frames, width, height)


def _shrunk(frames: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    # decord's own scaling fails on rotated files.
    size = (width, height)
    return np.stack([np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BOX)) for frame in frames])


def _check_agreement(video: object, index: FrameIndex, indices: Sequence[int]) -> None:
    count = len(video)  # type: ignore[arg-type]
    if count != len(index.ticks):
        raise UnreadableVideo(
            f"decord finds {count} frames where the file shows {len(index.ticks)}; use decoder: pyav for this file"
        )
    starts = video.get_frame_timestamp(list(range(count)))[:, 0]  # type: ignore[attr-defined]
    seconds = np.asarray(index.seconds)[list(indices)]
    if np.abs(starts[list(indices)] - starts[0] - seconds).max() > 2 * TIME_TOLERANCE:
        raise UnreadableVideo("decord times the frames of this file wrongly; use decoder: pyav for it")
