"""LoRA on the language model only.

The usual list of seven module names also matches `visual.blocks.*.mlp` in Qwen2.5-VL, and PEFT matches names by
suffix; so targets are one regular expression over full module names, and what became trainable is checked.
"""

import re
from pathlib import Path
from typing import Any, Final

from safetensors.torch import load_file
from torch import nn

from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.training.libraries import LoraConfig, get_peft_model_state_dict, set_peft_model_state_dict
from videopasta_assets.training.result import ADAPTER_FILE

LANGUAGE_MODEL_LINEARS: Final = (
    r"(?:.*\.)?language_model\.(?:.*\.)?layers\.\d+\.(?:self_attn\.[qkvo]_proj|mlp\.(?:gate|up|down)_proj)"
)
"""Attention and MLP projections of the language model, as transformers names them in every video family we know."""

_VISION_PARTS: Final = re.compile(
    r"\.(?:visual|vision_tower|vision_model|video_tower|image_tower|multi_modal_projector)\."
)


def lora_config(model: nn.Module, *, r: int, alpha: int, dropout: float, target: str | None = None) -> Any:
    """PEFT's configuration of a fresh adapter, its targets checked against `model`.

    Args:
        target: regular expression that must match a module's whole name; none: `LANGUAGE_MODEL_LINEARS`.

    Raises:
        UserError: nothing matches, or the expression reaches into the vision tower.
    """
    pattern = re.compile(target or LANGUAGE_MODEL_LINEARS)
    linears = [name for name, module in model.named_modules() if isinstance(module, nn.Linear)]
    matched = [name for name in linears if pattern.fullmatch(name)]
    if not matched:
        raise UserError(
            f"no linear module of {type(model).__name__} matches {pattern.pattern!r}",
            where="training.lora_target",
            fix=f"Name some of its linear modules: {', '.join(sorted({name.rsplit('.', 1)[-1] for name in linears}))}.",
        )
    if vision := [name for name in matched if _VISION_PARTS.search(f".{name}.")]:
        raise UserError(
            f"the expression also matches the vision tower ({vision[0]})",
            where="training.lora_target",
            fix="Limit it to the language model; vision features are computed once and kept.",
        )
    return LoraConfig(
        r=r, lora_alpha=alpha, lora_dropout=dropout, target_modules=pattern.pattern, bias="none", task_type="CAUSAL_LM"
    )


def load_adapter(adapted: Any, folder: Path) -> None:
    """Give a fresh adapter the weights of a trained one.

    Raises:
        UserError: there is none, or it has another rank, other modules or another scale.
    """
    own = adapted.peft_config["default"]
    try:
        given = LoraConfig.from_pretrained(str(folder))
        weights = load_file(folder / ADAPTER_FILE)
    except (OSError, ValueError) as error:
        raise UserError(
            "no LoRA adapter in safetensors is there", where=str(folder), fix="Name the folder of a trained adapter."
        ) from error
    expected = get_peft_model_state_dict(adapted)
    shapes = ({name: tuple(part.shape) for name, part in some.items()} for some in (weights, expected))
    if (given.r, given.lora_alpha) != (own.r, own.lora_alpha) or next(shapes) != next(shapes):
        raise UserError(
            f"it has rank {given.r} and alpha {given.lora_alpha} on other modules or sizes than this run's adapter "
            f"(rank {own.r}, alpha {own.lora_alpha})",
            where=str(folder),
            fix="Set training.lora_r, lora_alpha and lora_target as it was trained, or merge it into its base.",
        )
    set_peft_model_state_dict(adapted, weights)


def check_trainable(adapted: nn.Module) -> None:
    """Make sure that only language-model adapters train.

    Raises:
        VideoPastaError: another parameter would.
    """
    if strays := [name for name in trainable_names(adapted) if "lora_" not in name or _VISION_PARTS.search(name)]:
        raise VideoPastaError(f"{strays[0]} would be trained, which is no language-model adapter")


def trainable_names(model: nn.Module) -> list[str]:
    """Names of the parameters that training changes."""
    return [name for name, parameter in model.named_parameters() if parameter.requires_grad]
