"""Where the text after a video stands, as the weights of Qwen2-VL and Qwen2.5-VL were trained to find it.

Their rotary positions go on after a video's last moment: one more than the largest index of its tokens
(arXiv:2409.12191, section 2.1, and Qwen's own code). transformers since 5.3 goes on after its height or width instead
(transformers#45381), so the text after a long clip stands among the clip's own moments. vLLM counts as Qwen does.
"""

from inspect import signature
from types import MethodType
from typing import Any

import torch


def count_text_after_videos(model: Any) -> None:
    """Let a model's `get_rope_index` count as its weights were trained; of other families nothing changes.

    Where transformers counts so by itself, the positions stay what they are.

    Args:
        model: a loaded transformers model; changed in place.
    """
    inner: Any = getattr(model, "model", None)
    counted = getattr(type(inner), "get_rope_index", None)
    if counted is None:
        return
    names = signature(counted)

    def corrected(self: Any, *given: Any, **named: Any) -> tuple[torch.Tensor, torch.Tensor]:
        positions, deltas = counted(self, *given, **named)
        arguments = names.bind(self, *given, **named).arguments
        ids, types, mask = (arguments.get(name) for name in ("input_ids", "mm_token_type_ids", "attention_mask"))
        if ids is None or types is None:
            return positions, deltas
        for row in range(len(ids)):
            real = torch.arange(ids.shape[1], device=ids.device) if mask is None else mask[row].nonzero()[:, 0]
            if len(real) == 0:
                continue
            found = after_last_moments(positions[:, row, real], types[row, real])
            positions[:, row, real] = found
            deltas[row] = found.max() + 1 - len(real)
        return positions, deltas

    inner.get_rope_index = MethodType(corrected, inner)


def after_last_moments(positions: torch.Tensor, types: torch.Tensor) -> torch.Tensor:
    """Positions in which whatever follows a picture or a video begins behind all of it.

    Args:
        positions: of one row's tokens, shape (3, n); text in them may begin too early, never too late.
        types: 0 for text, another number for vision, shape (n,).

    Returns:
        Positions of the same shape; distances within a run of tokens of one type are as they were.
    """
    found = positions.clone()
    starts = (types[1:] != types[:-1]).nonzero()[:, 0] + 1
    for start in starts.tolist():
        if types[start - 1] != 0:
            found[:, start:] += found[:, :start].max() + 1 - found[:, start].min()
    return found
