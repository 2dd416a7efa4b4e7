"""Attention over a tree of tokens that skips what the tree rules out.

A row holds the shared beginning (the video) and then, one after another, questions with their responses. A question
and its responses attend to the beginning and to themselves, never to another question; so instead of one mask over
the whole row there is one small one a question, and the work grows with the row's length, not with its square.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import torch

from videopasta_assets.training.libraries import ALL_ATTENTION_FUNCTIONS, ALL_MASK_ATTENTION_FUNCTIONS

TREE_ATTENTION: Final = "videopasta_tree"
"""Name under which transformers finds `tree_attention`; without a tree it is plain sdpa."""


@dataclass(frozen=True)
class TreeShape:
    """Where the parts of one row lie.

    Attributes:
        shared: length of the beginning, which is causal.
        masks: for each question in order, who attends to whom in its part of the row, bool, (tokens, tokens).
    """

    shared: int
    masks: tuple[torch.Tensor, ...]
    _biases: dict[torch.dtype, tuple[torch.Tensor, ...]] = field(default_factory=dict, compare=False, repr=False)

    def biases(self, dtype: torch.dtype) -> tuple[torch.Tensor, ...]:
        """For each question what is added to its scores, 0 or -inf, (1, 1, tokens, shared + tokens).

        Made once for all layers: autograd keeps what attention is given, a mask of its own for each layer otherwise.
        """
        if dtype not in self._biases:
            self._biases[dtype] = tuple(
                torch.zeros(len(mask), self.shared + len(mask), dtype=dtype, device=mask.device).masked_fill_(
                    torch.cat([mask.new_zeros(len(mask), self.shared), ~mask], dim=1), float("-inf")
                )[None, None]
                for mask in self.masks
            )
        return self._biases[dtype]

    def to(self, device: torch.device) -> "TreeShape":
        """The same on `device`."""
        return TreeShape(self.shared, tuple(mask.to(device) for mask in self.masks))


def use_tree_attention(model: Any) -> None:
    """Let the language model of `model` attend by `tree_attention`."""
    ALL_ATTENTION_FUNCTIONS.register(TREE_ATTENTION, tree_attention)
    ALL_MASK_ATTENTION_FUNCTIONS.register(TREE_ATTENTION, ALL_MASK_ATTENTION_FUNCTIONS["sdpa"])
    model.set_attn_implementation({"text_config": TREE_ATTENTION})


def tree_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    trees: tuple[TreeShape, ...] | None = None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """Attention as transformers calls it: (rows, heads, length, size) in, (rows, length, heads, size) out.

    Args:
        trees: the shape of each row; None: attention as in sdpa, under `attention_mask`.
    """
    attend = ALL_ATTENTION_FUNCTIONS["sdpa"]
    if trees is None:
        return attend(module, query, key, value, attention_mask, **options)  # type: ignore[no-any-return]
    rows = []
    for row, tree in enumerate(trees):
        q, k, v = (states[row : row + 1] for states in (query, key, value))
        shared = slice(0, tree.shared)
        parts = [attend(module, q[:, :, shared], k[:, :, shared], v[:, :, shared], None, **options)[0]]
        start = tree.shared
        for bias in tree.biases(query.dtype):
            own = slice(start, start + bias.shape[2])
            keys, values = (torch.cat([states[:, :, shared], states[:, :, own]], dim=2) for states in (k, v))
            parts.append(attend(module, q[:, :, own], keys, values, bias, **options)[0])
            start += bias.shape[2]
        if start < query.shape[2]:
            parts.append(parts[0].new_zeros(1, query.shape[2] - start, *parts[0].shape[2:]))
        rows.append(torch.cat(parts, dim=1))
    return torch.cat(rows), None
