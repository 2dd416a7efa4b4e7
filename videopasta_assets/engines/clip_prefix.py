"""Clips as a model takes them: tokens up to the end of the video, with pixels or with vision features.

The features of a clip do not depend on the question or on a LoRA adapter of the language model: base, tuned models
and training share them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import torch

from videopasta_assets.engines.feature_store import FeatureStore
from videopasta_assets.engines.inputs import Prefix, PromptEncoder
from videopasta_assets.hashing import stable_hash
from videopasta_assets.video.clip import Clip, load_frames
from videopasta_assets.video.reader import FrameReader

PIXELS: Final = "pixel_values_videos"
FEATURES: Final = "video_features"
"""Of a prefix's `vision`: what the vision tower made of its pixels, shape (video tokens, width), in their place."""

_ONE_OUTPUT: Final = frozenset({"qwen2_vl", "qwen2_5_vl"})
"""Families whose language model needs one tensor of the tower. Others (Qwen3-VL) also feed it to inner layers."""

_VISION_TOWERS: Final = ("visual", "vision_tower", "vision_model", "video_tower")


class ClipPrefixes:
    """Reads clips; those whose features are stored are neither decoded nor processed again.

    Args:
        encoder: tokenizes and preprocesses.
        reader: decodes.
        max_side: longest side of a frame in pixels; None: as stored.
        store: where features are kept; None: every clip comes with its pixels.
        model: the loaded model; its vision tower decides whether features may be kept at all.
        model_id: `name@revision` of the model, without adapters.
    """

    def __init__(
        self,
        encoder: PromptEncoder,
        reader: FrameReader,
        *,
        max_side: int | None,
        store: FeatureStore | None = None,
        model: Any = None,
        model_id: str = "",
    ) -> None:
        self._encoder = encoder
        self._reader = reader
        self._max_side = max_side
        self._store = store if model is not None and takes_features(model) else None
        where = () if model is None else (str(model.dtype), model.device.type)
        self._source = (model_id, *where, reader.name, max_side)

    @property
    def keeps_features(self) -> bool:
        """Whether features that are computed are stored."""
        return self._store is not None

    def load(self, before: str, clip: Clip, tower: str = "") -> Prefix:
        """The prefix of a clip: with features if they are stored, else decoded, with pixels.

        Args:
            before: the prompt's text up to and with the video's placeholder.
            tower: identity of the adapter that the vision tower has, if it has one.

        Raises:
            UnreadableVideo: the file cannot be read, or is not the one that the plan was made for.
        """
        if self._store is not None and (stored := self._store.get(self._key(before, clip.key, tower))) is not None:
            ids, types = stored.pop("ids"), stored.pop("types", None)
            return Prefix(ids, types, stored)
        frames = load_frames(clip, self._reader, self._max_side)
        return self._encoder.prefix(before, frames, clip.plan)

    def keep(self, before: str, clip_key: str, prefix: Prefix, tower: str = "") -> None:
        """Store a prefix whose features were computed."""
        if self._store is not None:
            types = {} if prefix.types is None else {"types": prefix.types}
            self._store.put(self._key(before, clip_key, tower), {"ids": prefix.ids, **types, **prefix.vision})

    def _key(self, before: str, clip_key: str, tower: str) -> str:
        return stable_hash(*self._source, tower, before, clip_key)


def takes_features(model: Any) -> bool:
    """Whether the family takes one tensor of vision features in place of pixels, and its vision tower is frozen.

    A tower that trains gives other features after each step, and needs its gradient.
    """
    if model.config.model_type not in _ONE_OUTPUT:
        return False
    return not any(parameter.requires_grad and is_vision(name) for name, parameter in model.named_parameters())


def is_vision(parameter: str) -> bool:
    """Whether a parameter's name is one of the vision tower."""
    return any(f".{tower}." in f".{parameter}" for tower in _VISION_TOWERS)


def with_features(model: Any, prefix: Prefix) -> Prefix:
    """The prefix with what the vision tower makes of its pixels in their place."""
    if PIXELS not in prefix.vision:
        return prefix
    grid = prefix.vision["video_grid_thw"].to(model.device)
    with torch.no_grad():
        outputs = model.get_video_features(prefix.vision[PIXELS].to(model.device), grid, return_dict=True)
    rest = {name: value for name, value in prefix.vision.items() if name != PIXELS}
    return replace(prefix, vision={**rest, FEATURES: torch.cat(tuple(outputs.pooler_output)).cpu()})


def feature_inputs(features: Sequence[torch.Tensor], device: torch.device) -> Mapping[str, Any]:
    """Features of one video a row, as the argument that a model takes in place of pixels."""
    from transformers.modeling_outputs import BaseModelOutputWithPooling

    rows = [row.to(device, non_blocking=True) for row in features]
    return {"mm_encoder_outputs": {"video": BaseModelOutputWithPooling(pooler_output=rows)}}
