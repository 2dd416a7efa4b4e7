"""Frames that were decoded elsewhere, handed to an engine as if it had read them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from videopasta_assets.config import ProjectSettings
from videopasta_assets.stages.project import Project
from videopasta_assets.video.clip import Clip
from videopasta_assets.video.guard import UnreadableVideo
from videopasta_assets.video.reader import FrameReader


@dataclass(frozen=True)
class FrameKey:
    """Which frames of which file."""

    path: Path
    indices: tuple[int, ...]


class PlacedFrames:
    """A frame reader that has the frames of some clips, and reads the others.

    Args:
        reader: reads what was not placed.
    """

    def __init__(self, reader: FrameReader) -> None:
        self._reader = reader
        self._frames: Mapping[FrameKey, Any] = {}

    @property
    def name(self) -> str:
        """The decoder, as provenance records it: the same one decoded what was placed."""
        return self._reader.name

    @contextmanager
    def placed(self, frames: Mapping[FrameKey, Any]) -> Iterator[None]:
        """Have these frames for a while; a text in their place is why the file cannot be read."""
        self._frames = frames
        try:
            yield
        finally:
            self._frames = {}

    def read(
        self,
        path: Path,
        indices: Sequence[int],
        *,
        max_side: int | None = None,
        timestamps: Sequence[float] | None = None,
    ) -> NDArray[np.uint8]:
        """As every reader.

        Raises:
            UnreadableVideo: the file cannot be read, here or where it was tried.
        """
        found = self._frames.get(FrameKey(path, tuple(indices)))
        if found is None:
            return self._reader.read(path, indices, max_side=max_side, timestamps=timestamps)
        if isinstance(found, str):
            raise UnreadableVideo(found)
        frames: NDArray[np.uint8] = found
        return frames


def decoded(settings: ProjectSettings, clip: Clip) -> NDArray[np.uint8] | str:
    """The clip's frames as models get them, or why they cannot be read: a task of the cluster."""
    try:
        return project_of(settings).reader.read(
            clip.path, clip.plan.indices, max_side=settings.frames.max_side, timestamps=clip.plan.timestamps
        )
    except UnreadableVideo as error:
        return error.reason


def project_of(settings: ProjectSettings) -> Project:
    """The project of a task: kept from task to task, and with it the processes that decode."""
    return _project(settings.model_dump_json(), settings.root)


@lru_cache(maxsize=2)
def _project(settings: str, root: Path) -> Project:
    return Project(ProjectSettings.model_validate_json(settings).model_copy(update={"root": root}))
