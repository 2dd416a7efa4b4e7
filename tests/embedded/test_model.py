import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor

from videopasta_assets.embedded import MODEL_DIR
from videopasta_assets.embedded.accuracy import Examiner, held_out
from videopasta_assets.engines.transformers_engine import TransformersEngine
from videopasta_assets.oracle.truth import Truth
from videopasta_assets.taxonomy import MODES
from videopasta_assets.video.reader import get_reader

MAX_BYTES = 15 * 2**20


def test_the_committed_model_is_small_and_loads_without_custom_code() -> None:
    weights = MODEL_DIR / "model.safetensors"
    assert weights.stat().st_size <= MAX_BYTES
    assert {path.suffix for path in MODEL_DIR.iterdir()} <= {".safetensors", ".json", ".jsonl", ".jinja", ".md"}
    model = AutoModelForImageTextToText.from_pretrained(MODEL_DIR)
    processor = AutoProcessor.from_pretrained(MODEL_DIR)
    assert type(model).__name__ == "Qwen2_5_VLForConditionalGeneration"
    assert type(processor).__name__ == "Qwen2_5_VLProcessor"
    assert model.dtype is torch.bfloat16
    assert model.config.text_config.vocab_size == len(processor.tokenizer)


def test_its_training_log_is_kept() -> None:
    log = MODEL_DIR / "training_log.jsonl"
    steps = [json.loads(line) for line in log.read_text().splitlines()]
    assert log.stat().st_size < 200_000
    assert steps[-1]["loss"] < steps[0]["loss"] or "phase" in steps[0]


@pytest.mark.timeout(120)
def test_it_looks_at_the_video(tmp_path: Path) -> None:
    engine = TransformersEngine(MODEL_DIR, None, get_reader("auto", [tmp_path], isolate=False), dtype="auto")
    examiner = Examiner(engine, held_out(tmp_path, 6, 10, 3, "validation"), seed=0)
    shares = {}
    for view in ("video", "none"):
        rows = examiner.answers(view)
        for mode in MODES:
            own = [judged for _, question, _, judged in rows if question.mode is mode]
            shares[view, mode] = sum(j.main is Truth.TRUE and j.answers for j in own) / len(own)
        if view == "video":
            assert sum(judged.unparsed > 0 for *_, judged in rows) <= 0.1 * len(rows)
    engine.close()
    assert sum(shares["video", mode] - shares["none", mode] for mode in MODES) / 3 > 0.15
