"""Whether a LoRA adapter belongs to a model: libraries fill what does not fit with fresh weights, or fail obscurely."""

import re
from pathlib import Path
from typing import Any, Final

from safetensors import safe_open

from videopasta_assets.errors import UserError

_MATRIX: Final = re.compile(r"(?:base_model\.model\.)?(?P<module>.+)\.lora_(?P<side>[AB])\.(?:\w+\.)?weight")
_TAIL: Final = re.compile(r"(?:layers|blocks)\.\d+\..+$")
"""What stays of a module's name when a library moves the layers elsewhere, as transformers did."""


def check_adapter_fits(model: Any, folder: Path) -> None:
    """Compare each of the adapter's matrices with the linear modules that it may be for.

    Args:
        model: a transformers model, with or without adapters.
        folder: a LoRA adapter as PEFT saves it.

    Raises:
        UserError: the model has no such module, or only ones of another size: the adapter is of another base.
    """
    sizes: dict[str, set[tuple[int, int]]] = {}
    for name, module in model.named_modules():
        if hasattr(module, "in_features") and hasattr(module, "out_features"):
            plain = name.removesuffix(".base_layer")
            for key in {plain, _tail(plain)}:
                sizes.setdefault(key, set()).add((module.in_features, module.out_features))
    with safe_open(folder / "adapter_model.safetensors", "pt") as weights:
        for name in weights.keys():  # noqa: SIM118 - not a mapping
            matrix = _MATRIX.fullmatch(name)
            if matrix is None:
                continue
            shape, wide = weights.get_slice(name).get_shape(), matrix["side"] == "A"
            size = shape[1] if wide else shape[0]
            fitting = sizes.get(matrix["module"]) or sizes.get(_tail(matrix["module"]), set())
            if size not in {inputs if wide else outputs for inputs, outputs in fitting}:
                raise UserError(
                    f"the adapter is of another base model: its {matrix['module']} has {size} "
                    f"{'inputs' if wide else 'outputs'}, which {type(model).__name__} has not there",
                    where=str(folder),
                    fix="Use it with the base that its adapter_config.json names, or train one on this base.",
                )


def _tail(name: str) -> str:
    found = _TAIL.search(name)
    return found[0] if found else name
