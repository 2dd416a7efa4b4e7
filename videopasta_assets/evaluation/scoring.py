"""Scores of two models on the same items: accuracy, parse rate, and how sure the difference is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ItemOutcome:
    """What one model did with one item; `video_id` is the cluster that items are drawn in."""

    video_id: str
    correct: bool
    parsed: bool


@dataclass(frozen=True)
class Comparison:
    """Base against tuned over the same items; shares are in [0, 1]."""

    items: int
    base_accuracy: float
    tuned_accuracy: float
    difference: float
    low: float
    high: float
    base_parse_rate: float
    tuned_parse_rate: float


def compare(
    base: Sequence[ItemOutcome], tuned: Sequence[ItemOutcome], *, samples: int = 2000, seed: int = 0
) -> Comparison:
    """Paired comparison with a 95 % bootstrap interval of the difference.

    Items about one video are not independent, so whole videos are resampled (cluster bootstrap), and both models
    always get the same draw (paired).

    Args:
        base: outcomes of the base model.
        tuned: outcomes of the tuned model on the same items, in the same order.
        samples: bootstrap draws.
        seed: of the draws.

    Raises:
        ValueError: no items, or the two sides are not about the same videos.
    """
    if not base or [item.video_id for item in base] != [item.video_id for item in tuned]:
        raise ValueError("base and tuned must be about the same items, and about at least one")
    videos = sorted({item.video_id for item in base})
    place = {video: index for index, video in enumerate(videos)}
    gains = np.zeros(len(videos))
    sizes = np.zeros(len(videos))
    for before, after in zip(base, tuned, strict=True):
        gains[place[before.video_id]] += int(after.correct) - int(before.correct)
        sizes[place[before.video_id]] += 1
    low, high = _interval(gains, sizes, samples, seed)
    return Comparison(
        items=len(base),
        base_accuracy=_share(item.correct for item in base),
        tuned_accuracy=_share(item.correct for item in tuned),
        difference=float(gains.sum() / sizes.sum()),
        low=low,
        high=high,
        base_parse_rate=_share(item.parsed for item in base),
        tuned_parse_rate=_share(item.parsed for item in tuned),
    )


def _interval(gains: NDArray[np.float64], sizes: NDArray[np.float64], samples: int, seed: int) -> tuple[float, float]:
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, len(gains), size=(samples, len(gains)))
    differences = gains[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    low, high = np.quantile(differences, [0.025, 0.975])
    return float(low), float(high)


def _share(values: Iterable[bool]) -> float:
    return float(np.mean(list(values)))
