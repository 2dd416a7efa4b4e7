"""Memory of the device that a model is on: how much is free, and when there was too little."""

from typing import Any, Final

import torch

_CPU_OUT_OF_MEMORY: Final = ("can't allocate memory", "not enough memory")
_STORE_ON_CPU: Final = 1 << 30
_STORE_SHARE: Final = 0.1
"""Of the free memory of a GPU, once the model is there."""


def store_bytes(model: Any) -> int:
    """What prefixes that may be asked about again may take: 1 GiB on a CPU, of a GPU a tenth of what is free."""
    if model.device.type != "cuda":
        return _STORE_ON_CPU
    return int(torch.cuda.mem_get_info(model.device)[0] * _STORE_SHARE)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out; on a CPU torch says so in words alone."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(
        sign in str(error) for sign in _CPU_OUT_OF_MEMORY
    )


def give_back() -> None:
    """Return memory that torch keeps for later tensors."""
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
