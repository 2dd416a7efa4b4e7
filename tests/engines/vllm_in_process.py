"""The contract of the in-process vLLM engine; it runs under the Python of vLLM's environment (test_vllm.py)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.contract import EngineContract
from videopasta_assets.config.serving import VllmSettings
from videopasta_assets.engines import Engine
from videopasta_assets.engines.factory import build_engine
from videopasta_assets.video.reader import FrameReader

pytestmark = pytest.mark.timeout(1500)


class TestVllmEngine(EngineContract):
    @pytest.fixture(scope="class")
    def engine(self, model_folder: Path, reader: FrameReader) -> Iterator[Engine]:
        built = build_engine("vllm", model_folder, reader=reader, vllm=VllmSettings(), batch_size=8)
        yield built
        built.close()
