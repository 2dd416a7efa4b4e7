"""The merged model of a round answers as base and adapter did, and a new adapter starts at exactly that."""

from pathlib import Path

import torch

from videopasta_assets.engines.loading import load_model
from videopasta_assets.training.libraries import get_peft_model
from videopasta_assets.training.lora import lora_config
from videopasta_assets.training.merge import merge_adapter


def logits(network: torch.nn.Module) -> torch.Tensor:
    with torch.no_grad():
        return torch.as_tensor(network(input_ids=torch.arange(1, 9)[None]).logits)


def test_merged_weights_are_base_plus_adapter(tiny_dir: Path, tmp_path: Path) -> None:
    base = load_model(tiny_dir, None, "cpu", "float32").model
    plain = logits(base)
    adapted = get_peft_model(base, lora_config(base, r=2, alpha=8, dropout=0.0))
    torch.manual_seed(1)
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if "lora_" in name:
                weight.normal_(std=0.1)
    adapted.save_pretrained(tmp_path / "adapter", safe_serialization=True)
    wanted = logits(adapted)
    folder = merge_adapter(tiny_dir, None, tmp_path / "adapter", tmp_path / "models" / "2")
    assert sorted(path.name for path in folder.parent.iterdir()) == ["2"], "nothing half-written stays"
    again = load_model(folder, None, "cpu", "float32").model
    assert not torch.allclose(wanted, plain)
    torch.testing.assert_close(logits(again), wanted, atol=1e-5, rtol=1e-5)
    fresh = get_peft_model(again, lora_config(again, r=2, alpha=8, dropout=0.0))
    torch.testing.assert_close(logits(fresh), wanted, atol=1e-5, rtol=1e-5)
    written = (folder / "config.json").stat().st_mtime_ns
    assert merge_adapter(tiny_dir, None, tmp_path / "adapter", folder) == folder
    assert (folder / "config.json").stat().st_mtime_ns == written
