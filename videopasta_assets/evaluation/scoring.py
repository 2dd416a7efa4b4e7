"""Scores of two models on the same items: the benchmark's own metric, parse rate, and how sure the difference is."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import comb
from typing import Final

import numpy as np
from numpy.typing import NDArray

from videopasta_assets.evaluation.benchmark import ACCURACY, Metric

_QUANTILES: Final = (0.025, 0.975)


@dataclass(frozen=True)
class ItemOutcome:
    """What one model did with one item.

    Attributes:
        video_id: the cluster that items are drawn in.
        correct: it is right.
        parsed: the reply could be read.
        group: items that count together, where the metric groups.
        stratum: the part that it belongs to, where the metric is a mean over parts.
    """

    video_id: str
    correct: bool
    parsed: bool
    group: str = ""
    stratum: str = ""


@dataclass(frozen=True)
class Comparison:
    """Base against tuned over the same items; shares are in [0, 1].

    `units` are what is counted: items, or groups. `fixed` were wrong and are right, `broken` the other way round;
    `p_value` is McNemar's exact test on them, two-sided, which takes units as independent.
    """

    items: int
    units: int
    base_accuracy: float
    tuned_accuracy: float
    difference: float
    low: float
    high: float
    base_parse_rate: float
    tuned_parse_rate: float
    fixed: int
    broken: int
    p_value: float


def compare(
    base: Sequence[ItemOutcome],
    tuned: Sequence[ItemOutcome],
    *,
    metric: Metric = ACCURACY,
    samples: int = 2000,
    seed: int = 0,
) -> Comparison:
    """Paired comparison with a 95 % bootstrap interval of the difference.

    Items about one video are not independent, so whole videos are resampled (cluster bootstrap), and both models
    always get the same draw (paired). A group whose items are about several videos is a cluster of its own.

    Args:
        base: outcomes of the base model.
        tuned: outcomes of the tuned model on the same items, in the same order.
        metric: how outcomes become one number.
        samples: bootstrap draws.
        seed: of the draws.

    Raises:
        ValueError: no items, or the two sides are not about the same videos.
    """
    if not base or [item.video_id for item in base] != [item.video_id for item in tuned]:
        raise ValueError("base and tuned must be about the same items, and about at least one")
    before, after = _units(base, metric), _units(tuned, metric)
    strata = sorted({unit.stratum for unit in before})
    clusters = {name: place for place, name in enumerate(sorted({unit.video_id for unit in before}))}
    shape = (len(strata), len(clusters))
    base_right, tuned_right, sizes = np.zeros(shape), np.zeros(shape), np.zeros(shape)
    for old, new in zip(before, after, strict=True):
        place = strata.index(old.stratum), clusters[old.video_id]
        base_right[place] += old.correct
        tuned_right[place] += new.correct
        sizes[place] += 1
    everything = np.arange(shape[1])[None]
    base_score = float(_scores(base_right, sizes, everything)[0])
    tuned_score = float(_scores(tuned_right, sizes, everything)[0])
    drawn = np.random.default_rng(seed).integers(0, shape[1], size=(samples, shape[1]))
    low, high = np.quantile(_scores(tuned_right - base_right, sizes, drawn), _QUANTILES)
    fixed = sum(bool(new.correct and not old.correct) for old, new in zip(before, after, strict=True))
    broken = sum(bool(old.correct and not new.correct) for old, new in zip(before, after, strict=True))
    return Comparison(
        items=len(base),
        units=len(before),
        base_accuracy=base_score,
        tuned_accuracy=tuned_score,
        difference=tuned_score - base_score,
        low=float(low),
        high=float(high),
        base_parse_rate=_share(item.parsed for item in base),
        tuned_parse_rate=_share(item.parsed for item in tuned),
        fixed=fixed,
        broken=broken,
        p_value=mcnemar(fixed, broken),
    )


def mcnemar(fixed: int, broken: int) -> float:
    """Exact two-sided p-value of McNemar's test: changes in either direction are as likely under the null."""
    changes = fixed + broken
    tail: int = sum(comb(changes, count) for count in range(min(fixed, broken) + 1))
    chance: float = 2 * tail / 2**changes
    return min(1.0, chance)


def _units(outcomes: Sequence[ItemOutcome], metric: Metric) -> list[ItemOutcome]:
    """What the metric counts: items, or groups, which are right when all of their items are."""
    if not metric.grouped:
        return [
            item if metric.macro_over else ItemOutcome(item.video_id, item.correct, item.parsed) for item in outcomes
        ]
    groups: dict[str, list[ItemOutcome]] = {}
    for item in outcomes:
        groups.setdefault(item.group, []).append(item)
    return [
        ItemOutcome(name, all(item.correct for item in items), all(item.parsed for item in items))
        for name, items in groups.items()
    ]


def _scores(right: NDArray[np.float64], sizes: NDArray[np.float64], drawn: NDArray[np.int64]) -> NDArray[np.float64]:
    """The metric of each draw of clusters: the mean over strata of right / size; empty strata are left out.

    Args:
        right: (strata, clusters), units that are right.
        sizes: (strata, clusters), units.
        drawn: (draws, clusters), indices of clusters.
    """
    counts = np.zeros((len(drawn), sizes.shape[1]))
    np.add.at(counts, (np.arange(len(drawn))[:, None], drawn), 1)
    totals = counts @ sizes.T
    shares = np.divide(counts @ right.T, totals, out=np.full(totals.shape, np.nan), where=totals > 0)
    means: NDArray[np.float64] = np.nanmean(shares, axis=1)
    return means


def _share(values: Iterable[bool]) -> float:
    return float(np.mean(list(values)))
