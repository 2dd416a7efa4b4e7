"""One tiny model and a few videos for all engine tests."""

from pathlib import Path

import pytest

from tests.engines.tiny_model import clip_of, save_tiny_adapter, save_tiny_qwen2_5_vl, write_video
from videopasta_assets.engines import Engine
from videopasta_assets.engines.transformers_engine import TransformersEngine
from videopasta_assets.video.clip import Clip
from videopasta_assets.video.reader import FrameReader, get_reader


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_qwen2_5_vl(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="session")
def adapter_folder(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_adapter(model_folder, tmp_path_factory.mktemp("adapters") / "tuned")


@pytest.fixture(scope="session")
def video_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("videos")


@pytest.fixture(scope="session")
def clips(video_folder: Path) -> list[Clip]:
    """Three videos, one of them with fewer frames, so that prefixes differ in length."""
    return [clip_of(write_video(video_folder / f"{i}.mp4", seed=i), frames=4 if i == 0 else 8) for i in range(3)]


@pytest.fixture(scope="session")
def reader(video_folder: Path) -> FrameReader:
    return get_reader("auto", (video_folder,))


@pytest.fixture(scope="session")
def transformers_engine(model_folder: Path, reader: FrameReader) -> Engine:
    return TransformersEngine(model_folder, None, reader, device="cpu", batch_size=8)
