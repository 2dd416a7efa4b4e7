"""Keys and values with room to grow: a new token is written in place, where a stock cache copies all that it holds."""

from collections.abc import Sequence
from typing import Any, Final

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

_BLOCK_TOKENS: Final = 64
"""What a layer grows by."""


class RoomyLayer(DynamicLayer):  # type: ignore[misc]
    """One layer's keys and values, each a view of a storage of shape (rows, heads, capacity, width)."""

    def __init__(self) -> None:
        super().__init__()
        self._storage: tuple[torch.Tensor, torch.Tensor] | None = None

    def lay_out(
        self, keys: Sequence[torch.Tensor], values: Sequence[torch.Tensor], owners: Sequence[int], longest: int
    ) -> None:
        """Begin each row with the keys and values of its owner, padded with zeros on the left to `longest` tokens.

        Args:
            keys: one an owner, shape (heads, tokens, width).
            values: likewise.
            owners: which of them each row begins with.
            longest: tokens; none of the owners has more.
        """
        self.dtype, self.device = keys[0].dtype, keys[0].device
        self.is_initialized = True
        self._show(longest, self._laid(keys, owners, longest), self._laid(values, owners, longest))

    def update(
        self, key_states: torch.Tensor, value_states: torch.Tensor, *_: Any, **__: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Append keys and values, shape (rows, heads, new tokens, width), and return all."""
        if not self.is_initialized:
            self.lazy_initialization(key_states, value_states)
        known = self.get_seq_length()
        end = known + key_states.shape[-2]
        stored = self._with_room(0, key_states, known, end), self._with_room(1, value_states, known, end)
        stored[0][:, :, known:end] = key_states
        stored[1][:, :, known:end] = value_states
        self._show(end, *stored)
        return self.keys, self.values

    def batch_select_indices(self, indices: torch.Tensor) -> None:
        """Keep the rows `indices` alone."""
        if self._storage is not None:
            indices = indices.to(self.device)
            self._show(self.get_seq_length(), self._storage[0][indices], self._storage[1][indices])

    def _show(self, end: int, keys: torch.Tensor, values: torch.Tensor) -> None:
        self._storage = keys, values
        self.keys, self.values = keys[:, :, :end], values[:, :, :end]

    def _with_room(self, which: int, states: torch.Tensor, known: int, end: int) -> torch.Tensor:
        """Storage for `end` tokens that holds the first `known`."""
        if self._storage is not None and self._storage[which].shape[2] >= end:
            return self._storage[which]
        rows, heads, _, width = states.shape
        larger = states.new_empty((rows, heads, end + _BLOCK_TOKENS, width))
        if self._storage is not None:
            larger[:, :, :known] = self._storage[which][:, :, :known]
        return larger

    @staticmethod
    def _laid(parts: Sequence[torch.Tensor], owners: Sequence[int], longest: int) -> torch.Tensor:
        heads, _, width = parts[0].shape
        # Zeros, not noise: a masked place still enters sums, and a weight of 0 times an infinity is no number.
        storage = parts[0].new_zeros((len(owners), heads, longest + _BLOCK_TOKENS, width))
        for owner, part in enumerate(parts):
            rows = [row for row, own in enumerate(owners) if own == owner]
            if rows:
                storage[rows, :, longest - part.shape[1] : longest] = part
        return storage


def roomy_cache(model: Any) -> DynamicCache:
    """An empty cache for `model`, which must be one that `is_roomy`."""
    cache = DynamicCache(config=model.config)
    cache.layers = [RoomyLayer() for _ in cache.layers]
    return cache


def is_roomy(model: Any) -> bool:
    """Whether every layer of the model keeps the keys and values of all tokens, as sharing a prefix needs.

    Sliding windows forget, and linear attention keeps a state in their place.
    """
    layers = DynamicCache(config=model.config).layers
    return bool(layers) and all(type(layer) is DynamicLayer for layer in layers)
