"""Other families than Qwen2.5-VL go through the same engine, shared video prefix included."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.engines.contract import GREEDY, SAMPLED, ask_about, texts
from tests.engines.families import save_tiny_llava_onevision, save_tiny_qwen3_vl
from videopasta_assets.engines.transformers_engine import TransformersEngine
from videopasta_assets.video.clip import Clip
from videopasta_assets.video.reader import FrameReader


@pytest.mark.parametrize("save", [save_tiny_qwen3_vl, save_tiny_llava_onevision], ids=["qwen3_vl", "llava_onevision"])
def test_a_family_answers_the_same_with_and_without_a_shared_video(
    save: Callable[[Path], Path], tmp_path: Path, reader: FrameReader, clips: list[Clip]
) -> None:
    folder = save(tmp_path / "family")
    plain = TransformersEngine(folder, None, reader, device="cpu", batch_size=1, share_prefix=False)
    shared = TransformersEngine(folder, None, reader, device="cpu", batch_size=16)
    for decoding in (GREEDY, SAMPLED):
        requests = ask_about([*clips, None], decoding)
        expected = texts(plain, requests)
        assert texts(shared, requests) == expected
        assert len(set(expected.values())) > 8
