from pathlib import Path

import pytest
import torch

from tests.engines.tiny_model import save_tiny_adapter
from tests.training.tiny_model import make_pairs
from videopasta_assets.engines.loading import load_model
from videopasta_assets.errors import UserError
from videopasta_assets.training.config import TrainingConfig
from videopasta_assets.training.merge import merge_adapter
from videopasta_assets.training.progress import read_log
from videopasta_assets.training.stack import stack_adapters
from videopasta_assets.training.train import train_dpo
from videopasta_assets.video.reader import get_reader

_TEXT = torch.arange(9, 29)[None]


def logits(model: Path, adapter: Path | None = None) -> torch.Tensor:
    loaded = load_model(model, None, "cpu", "float32").model
    if adapter is not None:
        loaded.load_adapter(str(adapter))
    with torch.no_grad():
        return loaded(input_ids=_TEXT).logits


def test_a_stack_is_the_rounds_one_after_another(tiny_dir, tmp_path) -> None:
    first = save_tiny_adapter(tiny_dir, tmp_path / "first", seed=1)
    merged = merge_adapter(tiny_dir, None, first, tmp_path / "merged")
    attention = r".*language_model\.layers\.\d+\.self_attn\.q_proj"
    second = save_tiny_adapter(merged, tmp_path / "second", seed=2, targets=attention)
    stacked = stack_adapters([first, second], tmp_path / "stacked")
    expected = logits(merged, second)
    assert torch.allclose(logits(tiny_dir, stacked), expected, atol=1e-3)
    assert not torch.allclose(logits(tiny_dir, first), expected, atol=0.1)
    with pytest.raises(UserError, match="exists already"):
        stack_adapters([first], stacked)
    with pytest.raises(UserError, match="no LoRA adapter"):
        stack_adapters([first, tmp_path / "nothing"], tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_training_goes_on_from_an_adapter_with_it_as_the_reference(tiny_dir, video_dir, tmp_path) -> None:
    pairs = make_pairs(video_dir / "start", videos=1, per_video=4)
    reader = get_reader("auto", [video_dir])
    config = TrainingConfig(epochs=4, learning_rate=3e-3, lora_dropout=0.0, logging_steps=1, batch_size=4)
    first = train_dpo(config, pairs, tiny_dir, tmp_path / "first", reader)
    second = train_dpo(config, pairs, tiny_dir, tmp_path / "second", reader, start=first.adapter)
    record = read_log(tmp_path / "second" / "training_log.jsonl")[0]
    assert record["rewards/margins"] == pytest.approx(0, abs=1e-4)  # at its start the policy is its reference
    assert second.metrics["reward_margin"] > 0
    assert second.run_id != first.run_id
    assert train_dpo(config, pairs, tiny_dir, tmp_path / "second", reader, start=first.adapter).reused
    wider = config.model_copy(update={"lora_r": 16})
    with pytest.raises(UserError, match="has rank 8 and alpha 32"):
        train_dpo(wider, pairs, tiny_dir, tmp_path / "third", reader, start=first.adapter)
