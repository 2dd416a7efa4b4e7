"""Let torchvision's pure-Python parts import beside a CPU build of torch.

The only torchvision on PyPI links CUDA. Beside a CPU torch its extension does not load, and the import
then fails while it registers fake kernels for two operators that were never defined. The video processor
of Qwen2-VL needs `torchvision.transforms.v2.functional` only, which is plain tensor code. Declaring the
two operator schemas first is enough; where the extension does load (a CUDA machine) nothing is declared.
"""

import importlib.util
from functools import cache

import torch

_MISSING_WITHOUT_EXTENSION = ("nms", "qnms")


def prepare_torchvision() -> None:
    """Declare the operators that `import torchvision` expects. Call before importing a processor."""
    if torch.version.cuda is None and importlib.util.find_spec("torchvision") is not None:
        _declare_operators()


@cache
def _declare_operators() -> "torch.library.Library":
    # Cached, so that the declarations are made once and live as long as the process.
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    for name in _MISSING_WITHOUT_EXTENSION:
        if hasattr(torch.ops.torchvision, name):  # declared already, by vLLM's start-up hook for instance
            continue
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")  # type: ignore[no-untyped-call]
    return library
