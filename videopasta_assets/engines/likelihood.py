"""How likely given replies are, from one forward pass: no token is drawn."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch


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
    logits = model(input_ids=ids[:, known:], **inputs, logits_to_keep=widest + 1).logits[:, :-1]
    scored = torch.zeros((len(endings), widest), dtype=torch.bool, device=ids.device)
    for row, ending in enumerate(endings):
        scored[row, widest - len(ending) :] = True
    log_probs = logits.float().log_softmax(-1).gather(-1, ids[:, -widest:].unsqueeze(-1)).squeeze(-1)
    return [float(value) for value in log_probs.masked_fill(~scored, 0.0).sum(-1)]
