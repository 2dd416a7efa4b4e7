"""Vision features of frozen clips: computed once, kept in memory up to a cap.

The vision tower does not train, so a clip's features are constants of the run: ten queries and their pairs share
them, and no gradient is ever propagated into the tower (with gradient checkpointing it otherwise would be).
"""

import inspect
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any

import torch

from videopasta_assets.training.encoding import PIXELS, PairEncoder
from videopasta_assets.video.clip import Clip


class ClipFeatures:
    """What the model gets of each clip beside tokens: features where the family takes them, else pixels.

    Args:
        model: the base model, before or after it is wrapped by PEFT.
        capacity: bytes kept; beyond, the least recently used clip is decoded again when needed.
    """

    def __init__(self, model: Any, encoder: PairEncoder, capacity: int) -> None:
        self._model = model
        self._encoder = encoder
        self._capacity = capacity
        self._kept: OrderedDict[str, torch.Tensor] = OrderedDict()
        self._bytes = 0
        self._takes_features = self.supported_by(model)

    @staticmethod
    def supported_by(model: Any) -> bool:
        """Whether the family accepts vision features in place of pixels."""
        return "mm_encoder_outputs" in inspect.signature(type(model).forward).parameters

    def warm(self, clip: Clip) -> None:
        """Compute a clip's features now, unless they are there."""
        self._get(clip)

    def model_inputs(self, clips: Sequence[Clip], device: torch.device) -> dict[str, Any]:
        """Keyword arguments of the model for rows that show `clips`, one clip a row."""
        rows = [self._get(clip).to(device, non_blocking=True) for clip in clips]
        if not self._takes_features:
            return {PIXELS: torch.cat(rows)}
        from transformers.modeling_outputs import BaseModelOutputWithPooling

        return {"mm_encoder_outputs": {"video": BaseModelOutputWithPooling(pooler_output=rows)}}

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
        pixels = self._encoder.pixels(clip)
        if not self._takes_features:
            return pixels
        device = next(self._model.parameters()).device
        with torch.no_grad():
            outputs = self._model.get_video_features(
                pixels.to(device), self._encoder.vision(clip)["video_grid_thw"].to(device), return_dict=True
            )
        return torch.cat(tuple(outputs.pooler_output)).cpu()


def rope_index(model: Any) -> Any | None:
    """The family's function from tokens to multimodal rotary positions, if it has one."""
    return getattr(getattr(model, "model", None), "get_rope_index", None)
