"""Adapters that were trained on top of one another, as one adapter of the first one's base.

An iterative recipe merges a round's adapter into the weights and trains the next from there. Stacked, the rounds'
low-rank updates are the rows and columns of one update of their summed rank: exactly the same function, a few
megabytes instead of a copy of the model, and servable beside the untouched base.
"""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from videopasta_assets.errors import UserError
from videopasta_assets.training.result import ADAPTER_FILE

_CONFIG = "adapter_config.json"
_A, _B = ".lora_A.weight", ".lora_B.weight"
_OTHER_KINDS = ("use_dora", "use_rslora", "use_qalora", "rank_pattern", "alpha_pattern", "modules_to_save")


def stack_adapters(adapters: Sequence[Path], target: Path) -> Path:
    """Write the sum of LoRA adapters as one, to be loaded on the base of the first.

    Args:
        adapters: folders, in the order in which they were trained, each on the base with all earlier ones merged.
        target: folder to write; it must not exist, and appears complete or not at all.

    Raises:
        UserError: no adapters, one that is not plain LoRA or not stored as safetensors, or the target exists.
    """
    if not adapters:
        raise UserError("there is no adapter to stack", fix="Name the folders of at least one.")
    if target.exists():
        raise UserError("it exists already", where=str(target), fix="Name a new folder, or remove it.")
    parts = [_read(folder) for folder in adapters]
    config, _ = parts[0]
    rank = sum(own["r"] for own, _ in parts)
    modules = sorted({module for _, weights in parts for module in weights})
    stacked: dict[str, torch.Tensor] = {}
    for module in modules:
        like_a, like_b = next(weights[module] for _, weights in parts if module in weights)
        downs, ups = [], []
        for own, weights in parts:
            zeros = like_a.new_zeros(own["r"], like_a.shape[1]), like_b.new_zeros(like_b.shape[0], own["r"])
            down, up = weights.get(module, zeros)
            downs.append(down)
            ups.append(up * (own["lora_alpha"] / own["r"]))
        stacked[f"{module}{_A}"] = torch.cat(downs).contiguous()
        stacked[f"{module}{_B}"] = torch.cat(ups, dim=1).contiguous()
    names = [module.removeprefix("base_model.model.") for module in modules]
    merged = config | {"r": rank, "lora_alpha": rank, "target_modules": names}
    partial = target.with_name(f".{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    save_file(stacked, partial / ADAPTER_FILE, metadata={"format": "pt"})
    (partial / _CONFIG).write_text(json.dumps(merged, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    partial.rename(target)
    return target


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, tuple[torch.Tensor, torch.Tensor]]]:
    """The configuration, and for each adapted module its two matrices (r, in) and (out, r)."""
    try:
        config = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
        weights = load_file(folder / ADAPTER_FILE)
    except OSError as error:
        raise UserError(
            "no LoRA adapter in safetensors is there", where=str(folder), fix="Name the folder of a trained adapter."
        ) from error
    if config.get("peft_type") != "LORA" or any(config.get(kind) for kind in _OTHER_KINDS):
        raise UserError("it is not a plain LoRA adapter", where=str(folder), fix="Merge it into its base instead.")
    modules = sorted(name.removesuffix(_A) for name in weights if name.endswith(_A))
    return config, {module: (weights[module + _A], weights[module + _B]) for module in modules}
