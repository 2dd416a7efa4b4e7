"""An adapter of another base is told before it is loaded."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from videopasta_assets.engines.adapter_fit import check_adapter_fits
from videopasta_assets.errors import UserError


class Layer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.q_proj = nn.Linear(8, 4)


class Model(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([Layer(), Layer()])


def adapter(folder: Path, module: str, inputs: int = 8, outputs: int = 4) -> Path:
    save_file(
        {
            f"base_model.model.{module}.lora_A.weight": torch.zeros(2, inputs),
            f"base_model.model.{module}.lora_B.weight": torch.zeros(outputs, 2),
        },
        folder / "adapter_model.safetensors",
    )
    return folder


@pytest.mark.parametrize("module", ["layers.1.q_proj", "model.language_model.layers.1.q_proj"])
def test_an_adapter_of_this_base_fits_wherever_its_layers_are_kept(tmp_path: Path, module: str) -> None:
    check_adapter_fits(Model(), adapter(tmp_path, module))


@pytest.mark.parametrize(
    ("module", "sizes"), [("layers.1.q_proj", (16, 4)), ("layers.1.q_proj", (8, 6)), ("layers.2.q_proj", (8, 4))]
)
def test_an_adapter_of_another_base_is_a_mistake(tmp_path: Path, module: str, sizes: tuple[int, int]) -> None:
    with pytest.raises(UserError, match=r"the adapter is of another base model: its layers\.\d\.q_proj has"):
        check_adapter_fits(Model(), adapter(tmp_path, module, *sizes))
