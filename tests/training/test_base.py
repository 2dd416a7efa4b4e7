import importlib.util

import pytest
import torch

from videopasta_assets.errors import UserError
from videopasta_assets.training.base import load_base
from videopasta_assets.training.config import TrainingConfig
from videopasta_assets.training.libraries import get_peft_model
from videopasta_assets.training.lora import check_trainable, lora_config, trainable_names

_HAS_BITSANDBYTES = importlib.util.find_spec("bitsandbytes") is not None


def test_quantization_without_its_package_is_one_sentence(tiny_dir, monkeypatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(UserError, match="pip install bitsandbytes"):
        load_base(tiny_dir, TrainingConfig(quantization="nf4", device="cpu"))


@pytest.mark.skipif(not _HAS_BITSANDBYTES, reason="the package bitsandbytes is not installed")
@pytest.mark.filterwarnings("ignore")
def test_only_the_language_model_is_quantized_and_adapters_attach(tiny_dir) -> None:
    config = TrainingConfig(quantization="nf4", device="cpu")
    model = load_base(tiny_dir, config).model
    kinds = {
        name: type(module).__name__ for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)
    }
    assert {kind for name, kind in kinds.items() if ".layers." in name} == {"Linear4bit"}
    assert {kind for name, kind in kinds.items() if "visual" in name} == {"Linear"}
    adapted = get_peft_model(model, lora_config(model, r=2, alpha=4, dropout=0.0))
    check_trainable(adapted)
    assert len(trainable_names(adapted)) == 2 * 7 * 2
