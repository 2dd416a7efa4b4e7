"""Packed rows: the responses of one video as a tree of tokens in one sequence.

    video (and what all prompts share) -> question -> response
                                                   -> response
                                       -> question -> ...

A token attends to its own segment and to its ancestors only, and carries the position that it would have in a row
of its own, so every response gets exactly the log-probability of the plain layout while the video, the questions
and repeated responses are computed once. Needs an attention back end that takes a mask (sdpa, eager).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence

from videopasta_assets.training.encoding import EncodedPair, PairEncoder
from videopasta_assets.training.rows import Rows, response_index, vision_rows

_Ids = tuple[int, ...]


class Packer:
    """Packs pairs into tree rows.

    Args:
        encoder: gives the padding token and the clips' grids.
        rope_index: the model's `get_rope_index` (multimodal rotary positions from tokens).
    """

    def __init__(self, encoder: PairEncoder, rope_index: Callable[..., Any]) -> None:
        self._encoder = encoder
        self._rope_index = rope_index
        self._positions: dict[tuple[str, _Ids], torch.Tensor] = {}

    def rows(self, pairs: Sequence[EncodedPair], *, rejected: bool = True) -> Rows:
        """One row a video (and system prompt); responses ordered `[chosen; rejected]` of `pairs`."""
        trees: dict[tuple[str, _Ids], _Tree] = {}
        spans: list[tuple[_Tree, torch.Tensor, torch.Tensor]] = []
        for side in ("chosen_ids", "rejected_ids") if rejected else ("chosen_ids",):
            for pair in pairs:
                tree = trees.setdefault(self._root(pair), _Tree(pair))
                response: torch.Tensor = getattr(pair, side)
                spans.append((tree, tree.add(pair.prompt_ids, self._prompt_positions(pair), response), response))
        rows = list(trees.values())
        ids = pad_sequence([torch.cat(tree.ids) for tree in rows], batch_first=True, padding_value=self._encoder.pad_id)
        positions = torch.zeros(3, *ids.shape, dtype=torch.long)
        for row, tree in enumerate(rows):
            positions[:, row, : tree.length] = torch.cat(tree.positions, dim=1)
        clips = tuple(tree.pair.clip for tree in rows)
        return Rows(
            inputs={
                "input_ids": ids,
                "attention_mask": torch.stack([tree.mask(ids.shape[1]) for tree in rows]).unsqueeze(1),
                "position_ids": positions,
                **vision_rows(clips, self._encoder),
            },
            clips=clips,
            responses=response_index([(rows.index(tree), where, tokens) for tree, where, tokens in spans], ids.shape),
        )

    def _root(self, pair: EncodedPair) -> tuple[str, _Ids]:
        """The clip and everything up to its last token: what pairs must share to be in one tree."""
        return pair.clip.key, tuple(pair.prompt_ids[: _video_end(pair)].tolist())

    def _prompt_positions(self, pair: EncodedPair) -> torch.Tensor:
        key = (pair.clip.key, tuple(pair.prompt_ids.tolist()))
        if key not in self._positions:
            positions, _ = self._rope_index(
                input_ids=pair.prompt_ids[None],
                mm_token_type_ids=_types(pair)[None],
                attention_mask=torch.ones_like(pair.prompt_ids)[None],
                **vision_rows([pair.clip], self._encoder),
            )
            self._positions[key] = positions[:, 0]
        return self._positions[key]


@dataclass(eq=False)
class _Tree:
    """Segments of one row in the order in which they were added; a parent always comes before its children."""

    pair: EncodedPair
    ids: list[torch.Tensor] = field(default_factory=list)
    positions: list[torch.Tensor] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    length: int = 0
    _where: dict[tuple[int, _Ids], tuple[int, torch.Tensor]] = field(default_factory=dict)

    def add(self, prompt: torch.Tensor, positions: torch.Tensor, response: torch.Tensor) -> torch.Tensor:
        """Add what is missing of a prompt and a response; returns the positions that predict the response."""
        parent, asked = self._prompt(prompt, positions)
        last = asked[-1:]
        fed = response[:-1]  # nothing is predicted from a response's last token
        if not len(fed):
            return last
        start = int(positions.max()) + 1
        follow = torch.arange(start, start + len(fed)).expand(3, -1)
        _, answered = self._segment(parent, fed, follow)
        return torch.cat([last, answered])

    def mask(self, length: int) -> torch.Tensor:
        """Who attends to whom, bool, shape (length, length); padding attends to itself only."""
        count = len(self.parents)
        ancestors = torch.eye(count + 1, dtype=torch.bool)
        for segment, parent in enumerate(self.parents):
            if parent >= 0:
                ancestors[segment] |= ancestors[parent]
        segment_of = torch.full((length,), count)
        segment_of[: self.length] = torch.cat([torch.full((len(part),), i) for i, part in enumerate(self.ids)])
        mask = ancestors[segment_of[:, None], segment_of[None, :]].tril()
        mask[self.length :] = torch.eye(length, dtype=torch.bool)[self.length :]
        return mask

    def _prompt(self, prompt: torch.Tensor, positions: torch.Tensor) -> tuple[int, torch.Tensor]:
        """The first prompt of a row splits where the shared part ends, which is the end of the video."""
        shared = _video_end(self.pair)
        root, _ = self._segment(-1, prompt[:shared], positions[:, :shared])
        return self._segment(root, prompt[shared:], positions[:, shared:])

    def _segment(self, parent: int, ids: torch.Tensor, positions: torch.Tensor) -> tuple[int, torch.Tensor]:
        key = (parent, tuple(ids.tolist()))
        if key not in self._where:
            self._where[key] = (len(self.ids), torch.arange(self.length, self.length + len(ids)))
            self.ids.append(ids)
            self.positions.append(positions)
            self.parents.append(parent)
            self.length += len(ids)
        return self._where[key]


def _types(pair: EncodedPair) -> torch.Tensor:
    if pair.prompt_types is None:
        raise ValueError("packing needs the processor's token types")
    return pair.prompt_types


def _video_end(pair: EncodedPair) -> int:
    """Length of the prompt up to its last video token."""
    return int(_types(pair).nonzero()[-1]) + 1
