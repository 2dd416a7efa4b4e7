"""What the arms of an experiment did: accuracies and differences, with intervals over videos and seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import duckdb
import numpy as np
from numpy.typing import NDArray

from videopasta_assets.experiments.truth import arm_named, experiment_name
from videopasta_assets.taxonomy import MODES

OVERALL: Final = "all"
Grouping = Literal["mode", "category", "kind"]
_QUANTILES: Final = (0.025, 0.975)


@dataclass(frozen=True)
class Effect:
    """An arm on the items of one mode: mean accuracy over seeds, and its difference to the base model.

    `low` and `high` bound the difference at 95 %: a bootstrap that draws videos, and seeds within each draw.
    """

    arm: str
    scope: str
    items: int
    seeds: int
    base: float
    tuned: float
    difference: float
    low: float
    high: float

    @property
    def significant(self) -> bool:
        """The interval leaves out zero."""
        return self.low > 0 or self.high < 0


@dataclass(frozen=True)
class Answers:
    """Correctness of one set of items: (items,) for the base, (seeds, items) for an arm."""

    videos: NDArray[np.int64]
    groups: NDArray[np.str_]
    base: NDArray[np.float64]
    arms: Mapping[str, NDArray[np.float64]]

    @property
    def scopes(self) -> tuple[str, ...]:
        """The groups that there are, modes in their order, and all items together."""
        found = {str(group) for group in self.groups}
        modes = [mode.value for mode in MODES if mode.value in found]
        return (*modes, *sorted(found - set(modes)), OVERALL)


def load_answers(
    connection: duckdb.DuckDBPyConnection, benchmark: str, arms: Sequence[str], seeds: int, by: Grouping = "mode"
) -> Answers:
    """Answers of the base and of every arm whose seeds are all scored; items that all of them have.

    Args:
        connection: the lake.
        benchmark: name of the benchmark.
        arms: names of the arms.
        seeds: runs of each arm.
        by: column that items are grouped by.
    """
    rows = connection.execute(
        f"SELECT item_id, experiment, any_value({by}), any_value(video_id), any_value(correct)::INT "
        "FROM benchmark_answers WHERE benchmark = ? AND error IS NULL GROUP BY ALL",
        [benchmark],
    ).fetchall()
    table: dict[str, dict[str, float]] = {}
    facts: dict[str, tuple[str, str]] = {}
    for item, experiment, group, video, correct in rows:
        table.setdefault(experiment, {})[item] = float(correct)
        facts[item] = (group, video)
    named = {name: [experiment_name(arm_named(name), seed) for seed in range(seeds)] for name in arms}
    complete = {arm: names for arm, names in named.items() if all(name in table for name in names)}
    held = [table["base"], *(table[name] for names in complete.values() for name in names)] if "base" in table else []
    items = sorted(set.intersection(*(set(answers) for answers in held))) if held else []
    videos = {video: index for index, video in enumerate(sorted({facts[item][1] for item in items}))}
    return Answers(
        videos=np.array([videos[facts[item][1]] for item in items], dtype=np.int64),
        groups=np.array([facts[item][0] for item in items], dtype=np.str_),
        base=np.array([table["base"][item] for item in items]) if items else np.zeros(0),
        arms={
            arm: np.array([[table[name][item] for item in items] for name in names]) for arm, names in complete.items()
        },
    )


def effects(answers: Answers, *, samples: int = 2000, seed: int = 0) -> list[Effect]:
    """Every arm against the base, by group and over all."""
    return [
        effect
        for arm, correct in answers.arms.items()
        for scope in answers.scopes
        if (effect := _effect(answers, arm, scope, correct, answers.base, samples, seed)) is not None
    ]


def between(answers: Answers, first: str, second: str, *, samples: int = 2000, seed: int = 0) -> list[Effect]:
    """Arm `first` against arm `second`, seed by seed, by group and over all; `base` is then the second arm."""
    if not {first, second} <= answers.arms.keys():
        return []
    found = (
        _effect(answers, first, scope, answers.arms[first], answers.arms[second], samples, seed)
        for scope in answers.scopes
    )
    return [effect for effect in found if effect is not None]


def _effect(
    answers: Answers,
    arm: str,
    scope: str,
    tuned: NDArray[np.float64],
    base: NDArray[np.float64],
    samples: int,
    seed: int,
) -> Effect | None:
    chosen = np.ones(len(answers.base), bool) if scope == OVERALL else answers.groups == scope
    if not chosen.any():
        return None
    gain = tuned[:, chosen] - base[..., chosen]
    low, high = interval(gain, answers.videos[chosen], samples=samples, seed=seed)
    return Effect(
        arm,
        scope,
        int(chosen.sum()),
        len(tuned),
        float(base[..., chosen].mean()),
        float(tuned[:, chosen].mean()),
        float(gain.mean()),
        low,
        high,
    )


def interval(gain: NDArray[np.float64], videos: NDArray[np.int64], *, samples: int, seed: int) -> tuple[float, float]:
    """95 % interval of the mean of `gain` (seeds, items): videos are drawn, and seeds within each draw."""
    rng = np.random.default_rng(seed)
    names, place = np.unique(videos, return_inverse=True)
    sums = np.zeros((len(gain), len(names)))
    for number, row in enumerate(gain):
        sums[number] = np.bincount(place, weights=row, minlength=len(names))
    sizes = np.bincount(place, minlength=len(names)).astype(float)
    means = np.empty(samples)
    for sample in range(samples):
        drawn = rng.integers(0, len(names), len(names))
        runs = rng.integers(0, len(gain), len(gain))
        means[sample] = sums[np.ix_(runs, drawn)].sum() / (len(runs) * sizes[drawn].sum())
    low, high = np.quantile(means, _QUANTILES)
    return float(low), float(high)
