"""The video paid once: its keys and values are computed once a clip and laid before every row that asks about it."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import torch

from videopasta_assets.engines.clip_prefix import FEATURES, feature_inputs
from videopasta_assets.engines.inputs import Prefix
from videopasta_assets.engines.roomy_cache import roomy_cache

_PIXELS: Final = "pixel_values"


@dataclass(frozen=True)
class EncodedPrefix:
    """A prefix that went through the model.

    Attributes:
        prefix: its tokens, without the pixels.
        keys: one a layer, shape (heads, tokens, width), rotated to their positions.
        values: likewise.
    """

    prefix: Prefix
    keys: tuple[torch.Tensor, ...]
    values: tuple[torch.Tensor, ...]

    @property
    def size_bytes(self) -> int:
        """Of keys and values."""
        return sum(part.nbytes for part in (*self.keys, *self.values))


def left_padded(rows: Sequence[torch.Tensor], fill: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Stack 1-D rows, padded on the left, and their mask; both (rows, longest)."""
    longest = max(len(row) for row in rows)
    values = torch.full((len(rows), longest), fill, dtype=rows[0].dtype)
    mask = torch.zeros((len(rows), longest), dtype=torch.long)
    for i, row in enumerate(rows):
        if len(row):
            values[i, -len(row) :] = row
            mask[i, -len(row) :] = 1
    return values, mask


def vision_inputs(prefixes: Sequence[Prefix]) -> Mapping[str, torch.Tensor]:
    """The processor's outputs of several videos, concatenated as the model takes them."""
    return {name: torch.cat([prefix.vision[name] for prefix in prefixes]) for name in prefixes[0].vision}


def prefix_inputs(prefixes: Sequence[Prefix], tails: Sequence[torch.Tensor], pad_id: int) -> dict[str, torch.Tensor]:
    """Model inputs for each prefix with its tail (shape (tokens,), may be empty), padded on the left."""
    ids, mask = left_padded([torch.cat([p.ids, tail]) for p, tail in zip(prefixes, tails, strict=True)], pad_id)
    inputs = {"input_ids": ids, "attention_mask": mask, **vision_inputs(prefixes)}
    types = [prefix.types for prefix in prefixes]
    if all(row is not None for row in types):
        whole = [
            torch.cat([row, row.new_zeros(len(t))]) for row, t in zip(types, tails, strict=True) if row is not None
        ]
        inputs["mm_token_type_ids"] = left_padded(whole, 0)[0]
    return inputs


def to_device(inputs: Mapping[str, torch.Tensor], model: Any) -> dict[str, torch.Tensor]:
    """Inputs on the model's device; pixels also in its dtype."""
    return {
        name: value.to(model.device, model.dtype if name.startswith(_PIXELS) else None)
        for name, value in inputs.items()
    }


def one_logit(model: Any) -> dict[str, int]:
    """Arguments of `forward` that leave out the logits of all tokens but the last, where the family can."""
    return {"logits_to_keep": 1} if "logits_to_keep" in inspect.signature(model.forward).parameters else {}


def encode_prefixes(model: Any, prefixes: Sequence[Prefix], pad_id: int) -> list[EncodedPrefix]:
    """Run prefixes of one `form` through the model together."""
    inputs: dict[str, Any] = to_device(prefix_inputs(prefixes, _no_tails(prefixes), pad_id), model)
    if FEATURES in inputs:
        inputs |= feature_inputs([inputs.pop(FEATURES)], model.device)
    layers = model(**inputs, **one_logit(model), use_cache=True).past_key_values.layers
    encoded = []
    for row, prefix in enumerate(prefixes):
        # Cloned: a view would keep the whole batch's memory alive.
        keys, values = (
            tuple(getattr(layer, part)[row, :, -len(prefix.ids) :].clone() for layer in layers)
            for part in ("keys", "values")
        )
        vision = {name: value for name, value in prefix.vision.items() if not name.startswith((_PIXELS, FEATURES))}
        encoded.append(EncodedPrefix(replace(prefix, vision=vision), keys, values))
    return encoded


def shared_prefix(
    model: Any, encoded: Sequence[EncodedPrefix], owners: Sequence[int], suffixes: Sequence[torch.Tensor], pad_id: int
) -> dict[str, Any]:
    """Arguments of `generate` for rows whose prefix is computed already.

    Row i continues from prefix `owners[i]` with `suffixes[i]`. Padding stands left of the prefix and between prefix
    and suffix.
    """
    prefixes = [one.prefix for one in encoded]
    inputs = to_device(prefix_inputs(prefixes, _no_tails(prefixes), pad_id), model)
    cache = roomy_cache(model)
    for number, layer in enumerate(cache.layers):
        parts = ([one.keys[number] for one in encoded], [one.values[number] for one in encoded])
        layer.lay_out(*parts, owners, inputs["input_ids"].shape[1])
    rows = torch.tensor(owners, device=model.device)
    ids, mask = (part.to(model.device) for part in left_padded(suffixes, pad_id))
    whole = {
        "input_ids": torch.cat([inputs["input_ids"][rows], ids], dim=1),
        "attention_mask": torch.cat([inputs["attention_mask"][rows], mask], dim=1),
    }
    return {**whole, "past_key_values": cache, "position_ids": _positions(model, inputs, rows, whole)}


def text_alone(model: Any, texts: Sequence[torch.Tensor], pad_id: int) -> dict[str, Any]:
    """Arguments of `generate` for rows without a video."""
    ids, mask = left_padded(texts, pad_id)
    inputs: dict[str, Any] = to_device({"input_ids": ids, "attention_mask": mask}, model)
    positions = model._prepare_position_ids_for_generation(inputs["input_ids"], inputs)
    return {**inputs, "past_key_values": roomy_cache(model), "position_ids": positions}


def _no_tails(prefixes: Sequence[Prefix]) -> list[torch.Tensor]:
    return [prefix.ids.new_zeros(0) for prefix in prefixes]


def _positions(
    model: Any, inputs: Mapping[str, torch.Tensor], rows: torch.Tensor, whole: Mapping[str, torch.Tensor]
) -> torch.Tensor:
    """Positions of whole rows, as the model's family counts them.

    Counted from the whole row: where the text after a video begins is the family's own affair.
    """
    kwargs = {name: value[rows] for name, value in inputs.items()} | dict(whole)
    if "mm_token_type_ids" in kwargs:
        added = whole["input_ids"].shape[1] - inputs["input_ids"].shape[1]
        kwargs["mm_token_type_ids"] = torch.nn.functional.pad(kwargs["mm_token_type_ids"], (0, added))
    return model._prepare_position_ids_for_generation(kwargs.pop("input_ids"), kwargs)  # type: ignore[no-any-return]
