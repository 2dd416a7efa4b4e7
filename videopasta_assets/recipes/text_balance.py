"""Pairs whose texts alone do not tell which answer was chosen.

An adversarial instruction leaves traces: most answers that it spoils said "fully visible", few of the spoilt ones do,
and so DPO can be right about every pair without a look at the video, by preferring "fully visible". A set is balanced
by weights under which every word occurs as often in chosen as in rejected answers (entropy balancing: the weights
nearest to equal ones that meet those conditions, Hainmueller 2012); pairs that a word gives away lose theirs.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from videopasta_assets.recipes.answer_text import normalized_words

FEATURES: Final = 1024
"""Words and pairs of neighbouring words, the most frequent ones among those that differ."""

LEAST: Final = 4
"""Pairs in which a word must differ to be counted."""

RIDGE: Final = 1e-3
LOGISTIC_RIDGE: Final = 1e-2
FOLDS: Final = 5

Texts = Sequence[tuple[str, str]]
"""Chosen and rejected answers."""


def balanced_weights(texts: Texts) -> NDArray[np.float64]:
    """A weight for each pair, (n,), with mean 1: weighted, each feature is as frequent in chosen as in rejected."""
    if not texts:
        return np.zeros(0)
    differences = torch.from_numpy(_differences(texts))
    if not differences.shape[1]:
        return np.ones(len(texts))
    dual = _minimum(
        lambda dual: torch.logsumexp(-differences @ dual, 0) + RIDGE * dual.square().sum(), differences.shape[1]
    )
    weights = torch.softmax(-differences @ dual, 0) * len(texts)
    return np.asarray(weights.numpy())


def effective_size(weights: NDArray[np.float64]) -> int:
    """How many equally weighted pairs say as much: (sum w)^2 / sum w^2 (Kish 1965)."""
    return int(weights.sum() ** 2 / np.square(weights).sum()) if len(weights) else 0


def told_by_text(texts: Texts) -> float:
    """Share of pairs of which a reader of texts alone, taught on the others, picks the chosen answer; 0.5 is chance.

    Logistic regression on the differences of word counts, in five folds.
    """
    differences = torch.from_numpy(_differences(texts))
    if len(texts) < FOLDS or not differences.shape[1]:
        return 0.5
    right = torch.zeros(len(texts), dtype=torch.float64)
    folds = torch.arange(len(texts)) % FOLDS
    for fold in range(FOLDS):
        taught = differences[folds != fold]
        weights = _minimum(partial(_logistic_loss, taught), differences.shape[1])
        scores = differences[folds == fold] @ weights
        right[folds == fold] = (scores > 0).double() + 0.5 * (scores == 0).double()
    return float(right.mean())


def _logistic_loss(differences: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.softplus(-differences @ weights).mean() + LOGISTIC_RIDGE * weights.square().sum()


def _minimum(loss: Callable[[torch.Tensor], torch.Tensor], size: int) -> torch.Tensor:
    """Where a smooth convex function of (size,) float64 is least, from zero."""
    point = torch.zeros(size, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([point], max_iter=300, history_size=20, line_search_fn="strong_wolfe")

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        value = loss(point)
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return point.detach()


def _differences(texts: Texts) -> NDArray[np.float64]:
    """Counts in the chosen less counts in the rejected, (pairs, features)."""
    counted = []
    for chosen, rejected in texts:
        counts = Counter(_features(chosen))
        counts.subtract(_features(rejected))
        counted.append({name: count for name, count in counts.items() if count})
    differing = Counter(name for row in counted for name in row)
    names = [name for name, pairs in sorted(differing.items(), key=lambda item: (-item[1], item[0])) if pairs >= LEAST]
    columns = {name: column for column, name in enumerate(names[:FEATURES])}
    matrix = np.zeros((len(texts), len(columns)))
    for row, difference in enumerate(counted):
        for feature, count in difference.items():
            if feature in columns:
                matrix[row, columns[feature]] = count
    return matrix


def _features(text: str) -> list[str]:
    words = normalized_words(text)
    return [*words, *(f"{one} {two}" for one, two in pairwise(words))]
