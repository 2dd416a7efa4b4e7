"""A video with the frames that a role sees of it: what engines and the trainer take."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from videopasta_assets.video.corruption import Corruption, corrupted
from videopasta_assets.video.plan import FramePlan
from videopasta_assets.video.reader import FrameReader


@dataclass(frozen=True)
class Clip:
    """One video, seen through one plan; with a `corruption` a model sees the frames made worse."""

    video_id: str
    path: Path
    plan: FramePlan
    corruption: Corruption | None = None

    @property
    def key(self) -> str:
        """What makes two clips the same input of a model: the video's bytes and the chosen frames."""
        clean = f"{self.video_id}:{self.plan.identity}"
        return clean if self.corruption is None else f"{clean}:{self.corruption.identity}"


def load_frames(clip: Clip, reader: FrameReader, max_side: int | None = None) -> NDArray[np.uint8]:
    """The clip's frames, (T, H, W, 3) uint8 RGB, each checked to be at its planned time.

    Raises:
        UnreadableVideo: the file cannot be read, or is not the one that the plan was made for.
    """
    frames = reader.read(clip.path, clip.plan.indices, max_side=max_side, timestamps=clip.plan.timestamps)
    return frames if clip.corruption is None else corrupted(frames, clip.corruption)
