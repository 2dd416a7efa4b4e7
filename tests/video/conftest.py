"""Footage that several tests read."""

from pathlib import Path

import pytest

from tests.video.footage import Footage


@pytest.fixture(scope="session")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with good.mp4: 120 numbered frames, B-frames, a keyframe every 30."""
    folder = tmp_path_factory.mktemp("clips")
    Footage("good.mp4", frames=120, options={"g": "30", "bf": "2"}).write(folder)
    return folder
