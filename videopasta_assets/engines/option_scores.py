"""How likely each answer to each of many questions is."""

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import torch

from videopasta_assets.engines.likelihood import sequence_log_probs
from videopasta_assets.engines.option_tree import Question, TreeRow, grouped, tree_log_probs

Inputs = Callable[[Sequence[int], Sequence[torch.Tensor]], dict[str, Any]]
"""Arguments of `generate` for rows that begin as the questions at these places do, and go on with these tokens."""


def scored_in_trees(
    model: Any, questions: Sequence[Question], owners: Sequence[Hashable], shared: Sequence[int], inputs: Inputs
) -> list[tuple[float, ...]]:
    """Log-probability of each answer, a question a tuple, with a row for several questions of one owner.

    Args:
        model: one that `reads_trees`.
        questions: with their answers.
        owners: the beginning (system text and video) that each question has.
        shared: tokens of that beginning.
        inputs: makes the model's inputs.
    """
    rows = grouped(questions, owners, shared)
    trees = [TreeRow(tuple(questions[place] for place in row)) for row in rows]
    found = iter(tree_log_probs(model, inputs([row[0] for row in rows], [tree.ids() for tree in trees]), trees))
    scores = {place: tuple(next(found) for _ in questions[place].answers) for row in rows for place in row}
    return [scores[place] for place in range(len(questions))]


def scored_alone(model: Any, questions: Sequence[Question], inputs: Inputs) -> list[tuple[float, ...]]:
    """The same with a row an answer, which every family reads."""
    rows = [(place, answer) for place, question in enumerate(questions) for answer in question.answers]
    tokens = [torch.cat([questions[place].ids, answer]) for place, answer in rows]
    found = iter(
        sequence_log_probs(model, inputs([place for place, _ in rows], tokens), [answer for _, answer in rows])
    )
    return [tuple(next(found) for _ in question.answers) for question in questions]
