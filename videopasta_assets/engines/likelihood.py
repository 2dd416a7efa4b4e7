"""How likely given replies are, from one forward pass: no token is drawn."""

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import torch


def summed_log_probs(
    logits: torch.Tensor, source: torch.Tensor, target: torch.Tensor, mask: torch.Tensor
) -> torch.Tensor:
    """log p of S replies of up to T tokens, summed over each one's tokens, shape (S,).

    In float32 at least: a sum over tens of bfloat16 terms would drown the difference of two replies.

    Args:
        logits: of N positions, shape (N, vocabulary).
        source: which position predicts each token, shape (S, T); replies may share positions.
        target: the tokens, shape (S, T).
        mask: which of them exist, bool, shape (S, T).
    """
    logits = logits if logits.dtype == torch.float64 else logits.float()
    log_probs = logits[source, target] - logits.logsumexp(-1)[source]
    total: torch.Tensor = (log_probs * mask).sum(-1)
    return total


def keeping_logits(model: Any, kept: int | torch.Tensor) -> dict[str, Any]:
    """Arguments of `forward` that leave out the logits of other places, where the family can.

    Args:
        model: a causal language model of transformers.
        kept: the last so many, or the places themselves, shape (places,).
    """
    return {"logits_to_keep": kept} if "logits_to_keep" in inspect.signature(model.forward).parameters else {}


def sequence_log_probs(model: Any, inputs: Mapping[str, Any], endings: Sequence[torch.Tensor]) -> list[float]:
    """Sum of log-probabilities of the last tokens of each row.

    Args:
        model: a causal language model of transformers.
        inputs: arguments of its `generate`, rows padded on the left; with `past_key_values` the first columns of
            `input_ids` are in there already.
        endings: ids of the scored tokens of each row, shape (tokens,); each row of `input_ids` ends with them.
    """
    inputs = dict(inputs)
    ids = inputs.pop("input_ids")
    cache = inputs.get("past_key_values")
    known = 0 if cache is None else int(cache.get_seq_length())
    if "position_ids" in inputs:
        inputs["position_ids"] = inputs["position_ids"][..., known:]
    widest = max(len(ending) for ending in endings)
    kept = keeping_logits(model, widest + 1)
    logits = model(input_ids=ids[:, known:], **inputs, **kept).logits[:, -widest - 1 : -1]
    scored = torch.zeros((len(endings), widest), dtype=torch.bool, device=ids.device)
    for row, ending in enumerate(endings):
        scored[row, widest - len(ending) :] = True
    source = torch.arange(scored.numel(), device=ids.device).view_as(scored)
    totals: list[float] = summed_log_probs(logits.flatten(0, 1), source, ids[:, -widest:], scored).tolist()
    return totals
