"""Other families than Qwen2.5-VL keep the whole contract of the same engine, shared video prefix included."""

from pathlib import Path

import pytest

from tests.engines.contract import GREEDY, SAMPLED, EngineContract, ask_about, texts
from tests.engines.families import save_tiny_llava_onevision, save_tiny_qwen3_vl
from tests.engines.tiny_model import save_tiny_adapter
from videopasta_assets.engines import Engine
from videopasta_assets.engines.transformers_engine import TransformersEngine
from videopasta_assets.video.clip import Clip
from videopasta_assets.video.reader import FrameReader

FAMILIES = {"qwen3_vl": save_tiny_qwen3_vl, "llava_onevision": save_tiny_llava_onevision}


@pytest.fixture(scope="module", params=FAMILIES)
def family_folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return FAMILIES[request.param](tmp_path_factory.mktemp("families") / str(request.param))


class TestFamilies(EngineContract):
    """The whole contract, by a model with another clock (Qwen3-VL) and one with another tower (LLaVA-OneVision)."""

    @pytest.fixture(scope="class")
    def adapter_folder(self, family_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
        return save_tiny_adapter(family_folder, tmp_path_factory.mktemp("adapters") / "tuned")

    @pytest.fixture(scope="class")
    def engine(self, family_folder: Path, reader: FrameReader) -> Engine:
        return TransformersEngine(family_folder, None, reader, device="cpu", batch_size=8)


def test_a_family_answers_the_same_with_and_without_a_shared_video(
    family_folder: Path, reader: FrameReader, clips: list[Clip]
) -> None:
    plain = TransformersEngine(family_folder, None, reader, device="cpu", batch_size=1, share_prefix=False)
    shared = TransformersEngine(family_folder, None, reader, device="cpu", batch_size=16)
    for decoding in (GREEDY, SAMPLED):
        requests = ask_about([*clips, None], decoding)
        expected = texts(plain, requests)
        assert texts(shared, requests) == expected
        assert len(set(expected.values())) > 8
