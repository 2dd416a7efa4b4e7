"""Questions with several answers each as a tree of tokens in one row: everything shared is computed once.

    video -> question -> answer
                      -> answer
          -> question -> ...

A token attends to its own branch and to what that grows from, and has the position that it would have in a row of its
own, so each answer is as likely as in a row of its own.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.nn.utils.rnn import pad_sequence

from videopasta_assets.engines.likelihood import keeping_logits, sequence_log_probs, summed_log_probs
from videopasta_assets.engines.prefix_sharing import text_alone


@dataclass(frozen=True, eq=False)
class Question:
    """A question with the answers that are scored; all token ids, shape (tokens,), none of them empty."""

    ids: torch.Tensor
    answers: tuple[torch.Tensor, ...]

    @property
    def lengths(self) -> list[int]:
        """Of the question and of each answer."""
        return [len(self.ids), *(len(answer) for answer in self.answers)]

    @property
    def longest(self) -> int:
        """Tokens of the question with its longest answer."""
        return len(self.ids) + max(len(answer) for answer in self.answers)


@dataclass(frozen=True, eq=False)
class TreeRow:
    """The questions of one row, one after another."""

    questions: tuple[Question, ...]

    def ids(self) -> torch.Tensor:
        """Its tokens, shape (tokens,)."""
        return torch.cat([part for question in self.questions for part in (question.ids, *question.answers)])

    def depths(self) -> torch.Tensor:
        """How many tokens of its own question and answer stand before each token, shape (tokens,)."""
        parts = []
        for question in self.questions:
            parts.append(torch.arange(len(question.ids)))
            parts += [torch.arange(len(answer)) + len(question.ids) for answer in question.answers]
        return torch.cat(parts)

    def sees(self) -> torch.Tensor:
        """Which token (first axis) attends to which, bool, shape (tokens, tokens)."""
        asked = _numbered([sum(question.lengths) for question in self.questions])
        branch = torch.cat([_numbered(question.lengths) for question in self.questions])
        grown_from = (branch[None] == 0) | (branch[None] == branch[:, None])
        return ((asked[None] == asked[:, None]) & grown_from).tril()

    def predictions(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """For each answer the places in the row that predict its tokens, and these tokens."""
        start = 0
        for question in self.questions:
            last = start + len(question.ids) - 1
            start = last + 1
            for answer in question.answers:
                yield torch.cat([torch.tensor([last]), torch.arange(start, start + len(answer) - 1)]), answer
                start += len(answer)


def _numbered(lengths: Sequence[int]) -> torch.Tensor:
    """0 as often as the first says, 1 as often as the second, and so on."""
    return torch.repeat_interleave(torch.arange(len(lengths)), torch.tensor(lengths))


def grouped(questions: Sequence[Question], owners: Sequence[Hashable], shared: Sequence[int]) -> list[list[int]]:
    """Which questions, by their places, share a row.

    A row is full once its own tokens outnumber those that they share. Another row costs a copy of the shared keys and
    values; one more question in a row makes all others there be computed against it, for nothing.

    Args:
        questions: in any order.
        owners: what each of them is about; a row's questions have one owner.
        shared: tokens that each of them shares with the others of its owner.
    """
    rows: list[list[int]] = []
    filling: dict[Hashable, tuple[list[int], int]] = {}
    for place, (question, owner, common) in enumerate(zip(questions, owners, shared, strict=True)):
        row, room = filling.get(owner, ([], 0))
        if room <= 0:
            row, room = [], common
            rows.append(row)
        row.append(place)
        filling[owner] = row, room - sum(question.lengths)
    return rows


def tree_log_probs(model: Any, inputs: dict[str, Any], rows: Sequence[TreeRow]) -> list[float]:
    """Sum of the log-probabilities of each answer's tokens, row by row, question by question.

    Args:
        model: one that `reads_trees`.
        inputs: arguments of its `generate` for the tokens of `rows` as if each were one text, padded on the left; the
            shared beginnings are in `past_key_values` already.
        rows: what these tokens are.
    """
    ids, cache = inputs["input_ids"], inputs["past_key_values"]
    known = int(cache.get_seq_length())
    width = ids.shape[1] - known
    places = torch.arange(width).repeat(len(rows), 1)
    # A padded place sees itself: the softmax over nothing is no number, and would spread.
    sees = torch.eye(width, dtype=torch.bool).repeat(len(rows), 1, 1)
    wanted: list[tuple[int, torch.Tensor, torch.Tensor]] = []
    for number, row in enumerate(rows):
        own = row.sees()
        first = width - len(own)
        places[number, first:] = first + row.depths()
        sees[number, first:, first:] = own
        wanted += [(number, first + predicting, answer) for predicting, answer in row.predictions()]
    before = inputs["attention_mask"][:, None, :known].bool().expand(-1, width, -1)
    columns = torch.zeros(width, dtype=torch.bool)
    columns[torch.cat([predicting for _, predicting, _ in wanted])] = True
    kept = columns.nonzero()[:, 0]
    # The position of a token is that of the text's token as deep as it: positions of text count up from token to token.
    text = inputs["position_ids"][..., known:]
    positions = text.gather(-1, places.to(text.device).expand_as(text))
    logits = model(
        input_ids=ids[:, known:],
        attention_mask=torch.cat([before, sees.to(ids.device)], dim=2)[:, None],
        position_ids=positions,
        past_key_values=cache,
        use_cache=True,
        **keeping_logits(model, kept.to(ids.device)),
    ).logits
    logits = logits if logits.shape[1] == len(kept) else logits[:, kept.to(ids.device)]
    place_of = columns.cumsum(0) - 1
    source = [number * len(kept) + place_of[predicting] for number, predicting, _ in wanted]
    exists = [torch.ones(len(answer), dtype=torch.bool) for *_, answer in wanted]
    parts = (pad_sequence(part, batch_first=True) for part in (source, [answer for *_, answer in wanted], exists))
    totals: list[float] = summed_log_probs(logits.flatten(0, 1), *(part.to(ids.device) for part in parts)).tolist()
    return totals


@torch.inference_mode()
def reads_trees(model: Any, pad_id: int) -> bool:
    """Whether answers are as likely in a tree as in rows of their own, by a trial on a few tokens.

    Not every family takes such a mask, and not every one counts positions by `position_ids`.
    """
    size = int(model.get_input_embeddings().weight.shape[0])
    draw = torch.Generator().manual_seed(0)
    tokens = [torch.randint(size, (length,), generator=draw) for length in (5, 3, 4, 3, 2, 5)]
    row = TreeRow((Question(tokens[0], tuple(tokens[1:3])), Question(tokens[3], tuple(tokens[4:]))))
    plain = [(question.ids, answer) for question in row.questions for answer in question.answers]
    try:
        found = tree_log_probs(model, text_alone(model, [row.ids()], pad_id), [row])
        alone = text_alone(model, [torch.cat(pair) for pair in plain], pad_id)
        expected = sequence_log_probs(model, alone, [answer for _, answer in plain])
    except (RuntimeError, TypeError, ValueError, AttributeError, IndexError, KeyError):
        return False
    exact = model.dtype in (torch.float32, torch.float64)
    return torch.allclose(torch.tensor(found), torch.tensor(expected), rtol=1e-3 if exact else 2e-2)
