"""Footage that several tests read."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.hostile_videos import CANARY_FIRST, HostileVideo, hostile_videos
from tests.video.footage import Footage
from videopasta_assets.video.worker import DecodeWorker


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with good.mp4: 120 numbered frames, B-frames, a keyframe every 30."""
    folder = tmp_path_factory.mktemp("clips")
    Footage("good.mp4", frames=120, options={"g": "30", "bf": "2"}).write(folder)
    return folder


@dataclass(frozen=True)
class Collection:
    """The hostile videos in a folder, and a film outside of it that nobody may open."""

    videos: Path
    outside: Path
    canary: Path
    kinds: dict[str, HostileVideo]

    def path(self, kind: str) -> Path:
        """Where the file of a kind is."""
        return self.videos / self.kinds[kind].file


@pytest.fixture(scope="session")
def collection(tmp_path_factory: pytest.TempPathFactory) -> Collection:
    """Every hostile video."""
    root = tmp_path_factory.mktemp("hostile")
    videos, outside = root / "videos", root / "outside"
    videos.mkdir()
    outside.mkdir()
    canary = Footage("canary.mp4", first=CANARY_FIRST).write(outside)
    kinds = {hostile.kind: hostile for hostile in hostile_videos()}
    for hostile in kinds.values():
        hostile.make(videos / hostile.file, canary)
    return Collection(videos, outside, canary, kinds)


@pytest.fixture(scope="module")
def worker() -> Iterator[DecodeWorker]:
    """A decoding process for the module."""
    worker = DecodeWorker()
    yield worker
    worker.close()
