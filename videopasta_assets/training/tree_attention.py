"""Attention over a tree of tokens that skips what the tree rules out.

A row holds the shared beginning (the video) and then, one after another, questions with their responses. A question
and its responses attend to the beginning and to themselves, never to another question. Two kernels do that: sdpa in a
call a question, so that the work grows with the row's length and not with its square; and, on GPUs, flex attention
in one block-sparse call, which copies no keys.
"""

import logging
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Literal

import torch

from videopasta_assets.errors import UserError
from videopasta_assets.training.libraries import ALL_ATTENTION_FUNCTIONS, ALL_MASK_ATTENTION_FUNCTIONS

Kernel = Literal["sdpa", "flex"]

TREE_ATTENTION: Final[dict[Kernel, str]] = {"sdpa": "videopasta_tree", "flex": "videopasta_tree_flex"}
"""Names under which transformers finds the kernels; without a tree both are plain sdpa."""

_log: Final = logging.getLogger(__name__)
_OLDEST_FLEX: Final = (8, 0)
"""Compute capability (Ampere) from which on flex attention has been of use."""


@dataclass(frozen=True)
class TreeShape:
    """Where the parts of one row lie.

    Attributes:
        shared: length of the beginning, which is causal.
        questions: for each question in order the lengths of itself and of each response to it.
    """

    shared: int
    questions: tuple[tuple[int, ...], ...]
    _biases: dict[tuple[torch.dtype, torch.device], list[torch.Tensor]] = field(
        default_factory=dict, compare=False, repr=False
    )

    def masks(self) -> list[torch.Tensor]:
        """For each question who attends to whom in its part of the row, bool, (tokens, tokens)."""
        masks = []
        for lengths in self.questions:
            branch = torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))
            masks.append(((branch[:, None] == branch[None]) | (branch[None] == 0)).tril())
        return masks

    def biases(self, dtype: torch.dtype, device: torch.device) -> list[torch.Tensor]:
        """For each question what is added to its scores, 0 or -inf, (1, 1, tokens, shared + tokens).

        Made once for all layers: autograd keeps what attention is given, a mask of its own for each layer otherwise.
        """
        if (dtype, device) not in self._biases:
            self._biases[dtype, device] = [
                torch.zeros(1, 1, len(mask), self.shared + len(mask), dtype=dtype)
                .masked_fill_(torch.cat([mask.new_zeros(len(mask), self.shared), ~mask], dim=1), float("-inf"))
                .to(device)
                for mask in self.masks()
            ]
        return self._biases[dtype, device]

    def labels(self, length: int) -> tuple[torch.Tensor, torch.Tensor]:
        """For each token of a row of `length` its question (0: the beginning, -1: padding) and its branch there."""
        question, branch = [0] * self.shared, [0] * self.shared
        for number, lengths in enumerate(self.questions, start=1):
            question += [number] * sum(lengths)
            branch += [place for place, size in enumerate(lengths) for _ in range(size)]
        padding = length - len(question)
        return (
            torch.tensor(question + [-1] * padding, dtype=torch.int32),
            torch.tensor(branch + [0] * padding, dtype=torch.int32),
        )


def use_tree_attention(model: Any, kernel: Kernel = "sdpa") -> None:
    """Let the language model of `model` attend by a kernel of ours."""
    name = TREE_ATTENTION[kernel]
    ALL_ATTENTION_FUNCTIONS.register(name, flex_tree_attention if kernel == "flex" else tree_attention)
    ALL_MASK_ATTENTION_FUNCTIONS.register(name, ALL_MASK_ATTENTION_FUNCTIONS["sdpa"])
    model.set_attn_implementation({"text_config": name})


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
        for bias in tree.biases(query.dtype, query.device):
            own = slice(start, start + bias.shape[2])
            keys, values = (torch.cat([states[:, :, shared], states[:, :, own]], dim=2) for states in (k, v))
            parts.append(attend(module, q[:, :, own], keys, values, bias, **options)[0])
            start += bias.shape[2]
        if start < query.shape[2]:
            parts.append(parts[0].new_zeros(1, query.shape[2] - start, *parts[0].shape[2:]))
        rows.append(torch.cat(parts, dim=1))
    return torch.cat(rows), None


def flex_tree_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    trees: tuple[TreeShape, ...] | None = None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """`tree_attention` in one block-sparse call for all rows."""
    if trees is None:
        return tree_attention(module, query, key, value, attention_mask, **options)
    mask = block_mask(trees, query.shape[2], query.device)
    options.pop("is_causal", None)
    output: torch.Tensor = ALL_ATTENTION_FUNCTIONS["flex_attention"](module, query, key, value, mask, **options)[0]
    return output, None


@lru_cache(maxsize=4)
def block_mask(trees: tuple[TreeShape, ...], length: int, device: torch.device) -> Any:
    """The trees as flex attention takes them: which blocks of queries and keys have anything to compute."""
    from torch.nn.attention.flex_attention import create_block_mask

    labels = [tree.labels(length) for tree in trees]
    question, branch = (torch.stack([label[part] for label in labels]).to(device) for part in (0, 1))

    def sees(row: torch.Tensor, _head: torch.Tensor, asking: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
        beginning = question[row, asked] == 0
        same = question[row, asked] == question[row, asking]
        branch_of = branch[row, asked]
        return (asked <= asking) & (beginning | (same & ((branch_of == 0) | (branch_of == branch[row, asking]))))

    return create_block_mask(sees, len(trees), None, length, length, device=device)


def choose_kernel(wanted: Literal["auto", "sdpa", "flex"], device: torch.device) -> Kernel:
    """The kernel that packed rows attend by: flex where a trial run of it gives what sdpa gives.

    Raises:
        UserError: flex is asked for and cannot be used.
    """
    if wanted == "sdpa":
        return "sdpa"
    reason = flex_trouble(device)
    if reason is None:
        return "flex"
    if wanted == "flex":
        raise UserError(f"flex attention cannot be used: {reason}", where="training.attention", fix="Use auto or sdpa.")
    _log.info("packed rows attend by sdpa: %s", reason)
    return "sdpa"


def flex_trouble(device: torch.device) -> str | None:
    """Why flex attention cannot train on `device`; None where a small trial gives the outputs and gradients of sdpa."""
    if device.type != "cuda":
        return "it trains on CUDA devices only"
    if torch.cuda.get_device_capability(device) < _OLDEST_FLEX:
        return f"the GPU is older than compute capability {_OLDEST_FLEX[0]}.{_OLDEST_FLEX[1]}"
    try:
        flex, sdpa = (_trial(attend, device) for attend in (flex_tree_attention, tree_attention))
    except Exception as error:  # a compiler chain: whatever it raises, sdpa does the same work
        return f"a trial failed ({type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''})"
    far = max(float((ours - theirs).abs().max()) for ours, theirs in zip(flex, sdpa, strict=True))
    return None if far < 0.05 else f"a trial differed from sdpa by {far:.2g}"


def _trial(attend: Any, device: torch.device) -> list[torch.Tensor]:
    """Output and gradients of a small tree under one kernel, float32."""
    tree = TreeShape(200, ((20, 30, 10), (15, 40)))
    draw = torch.Generator().manual_seed(0)
    states = [
        torch.randn(1, heads, 320, 64, generator=draw).to(device, torch.bfloat16).requires_grad_()
        for heads in (4, 2, 2)
    ]
    module = torch.nn.Module()
    module.num_key_value_groups = 2  # type: ignore[assignment]
    output = attend(module, *states, None, trees=(tree,), scaling=0.125)[0][:, : 200 + 60 + 55]
    output.float().square().sum().backward()
    return [output.detach().float(), *(state.grad.float() for state in states if state.grad is not None)]
