"""Fingerprints of what a video shows: they survive re-encoding, resizing and another container, which bytes do not.

A fingerprint is a small picture of some frames at fixed shares of the film, each normalized to zero mean and unit
variance. Two videos are as similar as their pictures correlate. A copy that was cut, mirrored or cropped hard is
another film to it.
"""

from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from videopasta_assets.video.plan import FrameTimes, SamplingSpec, plan_frames
from videopasta_assets.video.reader import FrameReader

FINGERPRINT: Final = "rgb16x16-8frames-1"
"""How fingerprints are made; part of what stored ones are known by."""

_FRAMES: Final = SamplingSpec("count", 8, 8)
_SIDE: Final = 16
_PIXELS: Final = 3 * _SIDE * _SIDE
_FLAT: Final = 2.0
"""A picture whose colours vary less over it (standard deviation, of 255) shows nothing that could be compared."""

Fingerprints = NDArray[np.float32]
"""Shape (videos, frames, pixels) or (frames, pixels): normalized pictures; a blank or missing picture is zero."""

BLANK: Final[Fingerprints] = np.zeros((int(_FRAMES.value), _PIXELS), dtype=np.float32)
"""The fingerprint of a video that shows nothing, or cannot be read."""


def fingerprint(path: Path, info: FrameTimes, reader: FrameReader) -> Fingerprints:
    """The fingerprint of one video, shape (8, 768).

    Raises:
        UnreadableVideo: the file cannot be read.
    """
    plan = plan_frames(info, _FRAMES, "dense")
    frames = reader.read(path, plan.indices, timestamps=plan.timestamps)
    pictures = BLANK.copy()
    for place, frame in enumerate(frames):
        small = Image.fromarray(frame).resize((_SIDE, _SIDE), Image.Resampling.BOX)
        values = np.asarray(small, dtype=np.float32)
        if float(values.std(axis=(0, 1)).max()) >= _FLAT:
            pictures[place] = ((values - values.mean()) / values.std()).reshape(-1)
    return pictures


def similarity(some: Fingerprints, others: Fingerprints) -> NDArray[np.float32]:
    """Mean correlation of the pictures that both of two videos have, from -1 to 1, shape (some, others).

    It is 0 where fewer than half of the pictures can be compared.
    """
    together = some.reshape(len(some), -1) @ others.reshape(len(others), -1).T / _PIXELS
    shown = [(part != 0).any(axis=2).astype(np.float32) for part in (some, others)]
    common = shown[0] @ shown[1].T
    result: NDArray[np.float32] = np.where(common >= some.shape[1] / 2, together / np.maximum(common, 1), 0)
    return result
