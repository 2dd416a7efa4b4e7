import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForImageTextToText

from videopasta_assets.embedded import train


@pytest.mark.timeout(90)
def test_training_saves_a_loadable_model_and_resumes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(train, "TOKENIZER_PACKS", 30)
    monkeypatch.setattr(train, "LOG_EVERY", 1)
    monkeypatch.setattr(train, "ROWS", 1)
    train.train(tmp_path, minutes=0.03, seed=0, resume=False)
    first = torch.load(tmp_path / "state.pt", weights_only=True)
    assert first["step"] >= 1
    train.train(tmp_path, minutes=0.08, seed=0, resume=True)
    second = torch.load(tmp_path / "state.pt", weights_only=True)
    assert second["step"] > first["step"]
    assert second["spent"] > first["spent"]
    steps = [json.loads(line) for line in (tmp_path / "training_log.jsonl").read_text().splitlines()]
    assert [line["step"] for line in steps if "phase" not in line] == list(range(1, second["step"] + 1))
    model = AutoModelForImageTextToText.from_pretrained(tmp_path)
    assert model.dtype is torch.bfloat16
