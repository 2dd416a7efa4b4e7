"""Batches for a forward pass, and the log-probabilities of responses that come out of it.

Every layout yields the same thing: token rows for the model, and for each response where its predictions are found
among the kept logits. Responses are ordered by side, `[chosen; rejected]` as in TRL.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence

from videopasta_assets.engines.likelihood import summed_log_probs
from videopasta_assets.training.encoding import PAIR_SIDES, EncodedPair, PairEncoder, Side
from videopasta_assets.training.tree_attention import TreeShape
from videopasta_assets.video.clip import Clip


@dataclass(frozen=True)
class ResponseIndex:
    """Where the predictions of S responses of up to T tokens are.

    Attributes:
        keep: positions whose logits are computed, bool, shape (rows, length).
        source: for each response token, which of the kept positions (flattened) predicts it, shape (S, T).
        target: the response tokens, shape (S, T).
        mask: which of them exist, bool, shape (S, T).
    """

    keep: torch.Tensor
    source: torch.Tensor
    target: torch.Tensor
    mask: torch.Tensor

    def to(self, device: torch.device) -> "ResponseIndex":
        """The same on `device`."""
        return ResponseIndex(*(part.to(device) for part in (self.keep, self.source, self.target, self.mask)))


@dataclass(frozen=True)
class Rows:
    """One forward pass: the model's token inputs, the clip that each row shows, and the responses in it.

    Attributes:
        trees: shape of each row for `tree_attention`; None: rows are plain sequences.
    """

    inputs: Mapping[str, torch.Tensor]
    clips: tuple[Clip, ...]
    responses: ResponseIndex
    trees: tuple[TreeShape, ...] | None = None


def plain_rows(pairs: Sequence[EncodedPair], encoder: PairEncoder, *, sides: Sequence[Side] = PAIR_SIDES) -> Rows:
    """A row a response: `prompt + chosen` of every pair, then `prompt + rejected`; padded on the right.

    Args:
        sides: the responses that are laid out; supervised fine-tuning needs the chosen only.
    """
    rows = [(pair, pair.response(side)) for side in sides for pair in pairs]
    ids = [torch.cat([pair.prompt_ids, response]) for pair, response in rows]
    inputs = {
        "input_ids": pad_sequence(ids, batch_first=True, padding_value=encoder.pad_id),
        "attention_mask": pad_sequence([torch.ones_like(row) for row in ids], batch_first=True),
        **vision_rows([pair.clip for pair, _ in rows], encoder),
    }
    types = [
        torch.cat([pair.prompt_types, torch.zeros_like(response)])
        for pair, response in rows
        if pair.prompt_types is not None
    ]
    if types:  # without them Qwen2.5-VL silently falls back to one-dimensional positions
        inputs["mm_token_type_ids"] = pad_sequence(types, batch_first=True)
    spans = [
        (row, torch.arange(len(pair.prompt_ids) - 1, len(pair.prompt_ids) - 1 + len(response)), response)
        for row, (pair, response) in enumerate(rows)
    ]
    return Rows(
        inputs=inputs,
        clips=tuple(pair.clip for pair, _ in rows),
        responses=response_index(spans, inputs["input_ids"].shape),
    )


def vision_rows(clips: Sequence[Clip], encoder: PairEncoder) -> dict[str, torch.Tensor]:
    """Grid and time step of each row's video, stacked."""
    parts = [encoder.vision(clip) for clip in clips]
    return {name: torch.cat([part[name] for part in parts]) for name in parts[0]}


def response_index(spans: Sequence[tuple[int, torch.Tensor, torch.Tensor]], shape: Sequence[int]) -> ResponseIndex:
    """Index of responses given as (row, positions that predict its tokens, its tokens)."""
    keep = torch.zeros(tuple(shape), dtype=torch.bool)
    for row, positions, _ in spans:
        keep[row, positions] = True
    number = (keep.flatten().cumsum(0) - 1).view(keep.shape)
    return ResponseIndex(
        keep=keep,
        source=pad_sequence([number[row, positions] for row, positions, _ in spans], batch_first=True),
        target=pad_sequence([tokens for _, _, tokens in spans], batch_first=True),
        mask=pad_sequence([torch.ones(len(tokens), dtype=torch.bool) for *_, tokens in spans], batch_first=True),
    )


def response_logps(model: Any, rows: Rows, vision: Mapping[str, Any], device: torch.device) -> torch.Tensor:
    """log pi(response | video, prompt): the SUM over response tokens (VideoPASTA Eq. 2), shape (S,).

    Args:
        vision: what the model gets of the rows' clips, from `ClipFeatures.model_inputs`.
    """
    inputs = {name: value.to(device) for name, value in rows.inputs.items()}
    index = rows.responses.to(device)
    trees = {} if rows.trees is None else {"trees": rows.trees}
    logits = model(**inputs, **vision, **trees, logits_to_keep=index.keep, use_cache=False).logits
    return summed_log_probs(logits, index.source, index.target, index.mask)
