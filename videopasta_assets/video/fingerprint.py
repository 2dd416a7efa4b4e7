"""Fingerprints of what a video shows: they survive re-encoding, resizing and another container, which bytes do not.

A fingerprint is a small grey picture of some frames at fixed shares of the film, each normalized to zero mean and unit
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

FINGERPRINT: Final = "luma32x32-8frames-1"
"""How fingerprints are made; part of what stored ones are known by."""

_FRAMES: Final = SamplingSpec("count", 8, 8)
_SIDE: Final = 32
_BLANK: Final = 2.0
"""A picture that varies less (standard deviation in grey levels of 255) shows nothing that could be compared."""

Fingerprints = NDArray[np.float32]
"""Shape (videos, frames, pixels): normalized pictures; a blank or missing picture is zero."""


def fingerprint(path: Path, info: FrameTimes, reader: FrameReader) -> NDArray[np.float32]:
    """The fingerprint of one video, shape (8, 1024).

    Raises:
        UnreadableVideo: the file cannot be read.
    """
    plan = plan_frames(info, _FRAMES, "dense")
    frames = reader.read(path, plan.indices, timestamps=plan.timestamps)
    pictures = np.zeros((int(_FRAMES.value), _SIDE * _SIDE), dtype=np.float32)
    for place, frame in enumerate(frames):
        small = Image.fromarray(frame).convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)
        grey = np.asarray(small, dtype=np.float32).reshape(-1)
        if (spread := float(grey.std())) >= _BLANK:
            pictures[place] = (grey - grey.mean()) / spread
    return pictures


def similarity(some: Fingerprints, others: Fingerprints) -> NDArray[np.float32]:
    """Mean correlation of the pictures that both of two videos have, from -1 to 1, shape (some, others).

    It is 0 where fewer than half of the pictures can be compared.
    """
    pixels = _SIDE * _SIDE
    together = some.reshape(len(some), -1) @ others.reshape(len(others), -1).T / pixels
    shown = [(part != 0).any(axis=2).astype(np.float32) for part in (some, others)]
    common = shown[0] @ shown[1].T
    result: NDArray[np.float32] = np.where(common >= some.shape[1] / 2, together / np.maximum(common, 1), 0)
    return result
