"""Lets a process import torchvision beside a torch without CUDA: see `videopasta_assets.torchvision_ops`.

vLLM and lmms-eval start processes of their own, so what they need is declared as they start, and not before
torchvision is wanted: importing torch takes seconds.
"""

import importlib.abc
import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType

_OPERATORS = Path(__file__).parents[1] / "torchvision_ops.py"


class _BeforeTorchvision(importlib.abc.MetaPathFinder):
    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - the signature of finders
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        if fullname == "torchvision":
            sys.meta_path.remove(self)
            spec = importlib.util.spec_from_file_location("_torchvision_ops", _OPERATORS)
            if spec is not None and spec.loader is not None:
                # Kept in sys.modules: what it declares lives as long as the module does.
                module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
                spec.loader.exec_module(module)
                module.prepare_torchvision()
        return None


sys.meta_path.insert(0, _BeforeTorchvision())
