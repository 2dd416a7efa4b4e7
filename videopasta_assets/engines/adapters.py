"""LoRA adapters by request: one is loaded at a time, and switched on and off between batches."""

from pathlib import Path
from typing import Any

from safetensors import safe_open

from videopasta_assets.engines.adapter_fit import check_adapter_fits
from videopasta_assets.engines.clip_prefix import is_vision
from videopasta_assets.engines.identity import adapter_identity


class AdapterSwitch:
    """Puts the adapter that a batch asks for in place.

    Args:
        model: a transformers model without adapters.
        default: adapter for requests that name none.

    Raises:
        UserError: the default adapter does not exist.
    """

    def __init__(self, model: Any, default: Path | None) -> None:
        self._model = model
        self._default = default
        self._loaded: str | None = None
        self.use(None)

    def use(self, adapter: str | None) -> None:
        """Make `adapter` (a folder), else the default, else no adapter the active one.

        Raises:
            UserError: no such adapter, or one of another base.
        """
        folder = self._default if adapter is None else Path(adapter)
        name = None if folder is None else self._load(folder)
        if name is not None:
            self._model.enable_adapters()
            self._model.set_adapter(name)
        elif self._loaded is not None:
            self._model.disable_adapters()

    def identity(self, adapter: str | None) -> str:
        """Identity of what `use` would make active; empty: no adapter.

        Raises:
            UserError: no such adapter.
        """
        folder = self._default if adapter is None else Path(adapter)
        return "" if folder is None else adapter_identity(folder)

    def tower_identity(self, adapter: str | None) -> str:
        """`identity` of an adapter that changes the vision tower; empty for one that leaves clips' features alone."""
        folder = self._default if adapter is None else Path(adapter)
        return self.identity(adapter) if folder is not None and _changes_vision(folder) else ""

    def close(self) -> None:
        """Let go of the model."""
        self._model = None

    def _load(self, folder: Path) -> str:
        # The identity, not the path: an experiment that is trained again writes other weights to the same folder.
        # PEFT forbids dots in names.
        name = adapter_identity(folder).replace(".", "_")
        if name != self._loaded:
            check_adapter_fits(self._model, folder)
            # One at a time: loading beside another, transformers takes that one's weights for missing ones, and
            # initializes them anew.
            if self._loaded is not None:
                self._model.delete_adapter(self._loaded)
            self._model.load_adapter(str(folder), adapter_name=name)
            self._loaded = name
        return name


def _changes_vision(folder: Path) -> bool:
    with safe_open(folder / "adapter_model.safetensors", "pt") as weights:
        return any(is_vision(name) for name in weights.keys())  # noqa: SIM118 - not a mapping
