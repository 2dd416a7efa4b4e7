"""A disk store of what a frozen vision tower makes of a clip."""

from collections.abc import Mapping

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save

from videopasta_assets.lake.capped_folder import CappedFolder


class FeatureStore(CappedFolder):
    """Named tensors on disk; see `CappedFolder`."""

    suffix = ".safetensors"
    kind = "vision features"

    def get(self, key: str) -> dict[str, torch.Tensor] | None:
        """The tensors stored under `key`, on the CPU; None where there are none or they cannot be read."""
        path = self._path(key)
        try:
            found: dict[str, torch.Tensor] = load_file(path)
            path.touch()
        except FileNotFoundError:
            found = {}
        except (OSError, SafetensorError) as error:
            self._drop(key, error)
            found = {}
        self.hits += bool(found)
        self.misses += not found
        return found or None

    def put(self, key: str, tensors: Mapping[str, torch.Tensor]) -> bool:
        """Store `tensors`; false where there is no room for them or the disk refuses."""
        return self._store(key, save({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}))
