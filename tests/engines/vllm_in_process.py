"""The contract of the in-process vLLM engine; it runs under the Python of vLLM's environment (test_vllm.py)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.contract import EngineContract
from tests.engines.tiny_model import save_tiny_adapter, save_tiny_qwen2_5_vl
from videopasta_assets.config.serving import VllmSettings
from videopasta_assets.engines import Engine
from videopasta_assets.engines.factory import build_engine
from videopasta_assets.video.reader import FrameReader

pytestmark = pytest.mark.timeout(1500)


@pytest.fixture(scope="module")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_qwen2_5_vl(tmp_path_factory.mktemp("models") / "tiny", for_vllm=True)


@pytest.fixture(scope="module")
def adapter_folder(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_adapter(model_folder, tmp_path_factory.mktemp("adapters") / "tuned")


class TestVllmEngine(EngineContract):
    @pytest.fixture(scope="class")
    def engine(self, model_folder: Path, reader: FrameReader) -> Iterator[Engine]:
        built = build_engine("vllm", model_folder, reader=reader, vllm=VllmSettings(), batch_size=8)
        yield built
        built.close()
