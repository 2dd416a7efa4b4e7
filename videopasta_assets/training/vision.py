"""Vision features of frozen clips: computed once, kept in memory up to a cap and on disk if there is a store.

The vision tower does not train, so a clip's features are constants of the run: ten queries and their pairs share
them, and no gradient is ever propagated into the tower (with gradient checkpointing it otherwise would be).
"""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import torch

from videopasta_assets.engines.clip_prefix import FEATURES, PIXELS, feature_inputs, takes_features, with_features
from videopasta_assets.training.encoding import PairEncoder
from videopasta_assets.video.clip import Clip


class ClipFeatures:
    """What the model gets of each clip beside tokens: features where the family takes them, else pixels.

    Args:
        model: the frozen base model, before or after it is wrapped by PEFT.
        encoder: reads clips.
        capacity: bytes kept; beyond, the least recently used clip is read again when needed.
    """

    def __init__(self, model: Any, encoder: PairEncoder, capacity: int) -> None:
        self._model = model
        self._encoder = encoder
        self._capacity = capacity
        self._kept: OrderedDict[str, torch.Tensor] = OrderedDict()
        self._bytes = 0
        self._takes_features = takes_features(model)

    def warm(self, clip: Clip) -> None:
        """Compute a clip's features now, unless they are there."""
        self._get(clip)

    def model_inputs(self, clips: Sequence[Clip], device: torch.device) -> dict[str, Any]:
        """Keyword arguments of the model for rows that show `clips`, one clip a row."""
        rows = [self._get(clip) for clip in clips]
        if not self._takes_features:
            return {PIXELS: torch.cat([row.to(device, non_blocking=True) for row in rows])}
        return dict(feature_inputs(rows, device))

    def _get(self, clip: Clip) -> torch.Tensor:
        if clip.key in self._kept:
            self._kept.move_to_end(clip.key)
            return self._kept[clip.key]
        value = self._compute(clip)
        self._kept[clip.key] = value
        self._bytes += value.nbytes
        while self._bytes > self._capacity and len(self._kept) > 1:
            _, dropped = self._kept.popitem(last=False)
            self._bytes -= dropped.nbytes
        return value

    def _compute(self, clip: Clip) -> torch.Tensor:
        prefix = self._encoder.prefix(clip)
        if not self._takes_features:
            return prefix.vision[PIXELS]
        if FEATURES not in prefix.vision:
            prefix = with_features(self._model, prefix)
            self._encoder.store(clip, prefix)
        return prefix.vision[FEATURES]


def rope_index(model: Any) -> Any | None:
    """The family's function from tokens to multimodal rotary positions, if it has one."""
    return getattr(getattr(model, "model", None), "get_rope_index", None)
