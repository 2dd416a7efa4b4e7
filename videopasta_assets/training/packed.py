"""Packed rows: the responses of one video as a tree of tokens in one sequence.

    video (and what all prompts share) -> question -> response
                                                   -> response
                                       -> question -> ...

A token attends to its own segment and to its ancestors only, and carries the position that it would have in a row
of its own, so every response gets exactly the log-probability of the plain layout while the video, the questions
and repeated responses are computed once. Needs `tree_attention` and multimodal rotary positions.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence

from videopasta_assets.training.encoding import PAIR_SIDES, EncodedPair, PairEncoder, Side
from videopasta_assets.training.rows import Rows, response_index, vision_rows
from videopasta_assets.training.tree_attention import TreeShape

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

    def rows(self, pairs: Sequence[EncodedPair], *, sides: Sequence[Side] = PAIR_SIDES) -> Rows:
        """One row a video (and system prompt); responses ordered by side, `[chosen; rejected]` of `pairs`."""
        trees: dict[tuple[str, _Ids], _Tree] = {}
        places: list[tuple[_Tree, _Question, torch.Tensor]] = []
        for side in sides:
            for pair in pairs:
                shared = _video_end(pair)
                root = (pair.clip.key, tuple(pair.prompt_ids[:shared].tolist()))
                positions = self._prompt_positions(pair)
                tree = trees.setdefault(root, _Tree(pair, pair.prompt_ids[:shared], positions[:, :shared]))
                question = tree.question(pair.prompt_ids[shared:], positions[:, shared:])
                response = pair.response(side)
                question.add(response)
                places.append((tree, question, response))
        rows = list(trees.values())
        for tree in rows:
            tree.place()
        ids = pad_sequence([tree.ids() for tree in rows], batch_first=True, padding_value=self._encoder.pad_id)
        positions = torch.zeros(3, *ids.shape, dtype=torch.long)
        for row, tree in enumerate(rows):
            found = tree.positions_of_tokens()
            positions[:, row, : found.shape[1]] = found
        clips = tuple(tree.pair.clip for tree in rows)
        spans = [(rows.index(tree), question.predicting(response), response) for tree, question, response in places]
        return Rows(
            inputs={"input_ids": ids, "position_ids": positions, **vision_rows(clips, self._encoder)},
            clips=clips,
            responses=response_index(spans, ids.shape),
            trees=tuple(tree.shape() for tree in rows),
        )

    def _prompt_positions(self, pair: EncodedPair) -> torch.Tensor:
        """Rotary positions of a prompt's tokens, (3, tokens)."""
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
class _Question:
    """What follows the video in one prompt, with the responses to it; `start` is where it lies in the row."""

    ids: torch.Tensor
    positions: torch.Tensor
    branches: dict[_Ids, torch.Tensor] = field(default_factory=dict)
    start: int = 0

    def add(self, response: torch.Tensor) -> None:
        """Nothing is predicted from a response's last token, so it is not fed."""
        if len(fed := response[:-1]):
            self.branches.setdefault(tuple(fed.tolist()), fed)

    def __len__(self) -> int:
        return len(self.ids) + sum(len(branch) for branch in self.branches.values())

    def predicting(self, response: torch.Tensor) -> torch.Tensor:
        """Places in the row whose logits predict the response's tokens."""
        last = self.start + len(self.ids) - 1
        wanted, at = tuple(response[:-1].tolist()), last + 1
        for key in self.branches:
            if key == wanted:
                break
            at += len(key)
        return torch.cat([torch.tensor([last]), torch.arange(at, at + len(wanted))])

    def positions_of_tokens(self) -> torch.Tensor:
        """Every response continues where the question ends."""
        following = int(self.positions.max()) + 1
        follow = [torch.arange(following, following + len(key)).expand(3, -1) for key in self.branches]
        return torch.cat([self.positions, *follow], dim=1)

    @property
    def lengths(self) -> tuple[int, ...]:
        """Of the question and of each response to it."""
        return (len(self.ids), *(len(key) for key in self.branches))


@dataclass(eq=False)
class _Tree:
    """One row: the shared beginning and its questions."""

    pair: EncodedPair
    shared: torch.Tensor
    positions: torch.Tensor
    questions: dict[_Ids, _Question] = field(default_factory=dict)

    def question(self, ids: torch.Tensor, positions: torch.Tensor) -> _Question:
        """The question with these tokens, added if it is new."""
        return self.questions.setdefault(tuple(ids.tolist()), _Question(ids, positions))

    def place(self) -> None:
        """Lay the questions one after another."""
        start = len(self.shared)
        for question in self.questions.values():
            question.start = start
            start += len(question)

    def ids(self) -> torch.Tensor:
        parts = [part for question in self.questions.values() for part in (question.ids, *question.branches.values())]
        return torch.cat([self.shared, *parts])

    def positions_of_tokens(self) -> torch.Tensor:
        parts = [question.positions_of_tokens() for question in self.questions.values()]
        return torch.cat([self.positions, *parts], dim=1)

    def shape(self) -> TreeShape:
        return TreeShape(len(self.shared), tuple(question.lengths for question in self.questions.values()))


def _types(pair: EncodedPair) -> torch.Tensor:
    if pair.prompt_types is None:
        raise ValueError("packing needs the processor's token types")
    return pair.prompt_types


def _video_end(pair: EncodedPair) -> int:
    """Length of the prompt up to its last video token."""
    return int(_types(pair).nonzero()[-1]) + 1
