"""What the arms of an experiment did: accuracies and differences, with intervals over videos and seeds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from videopasta_assets.experiments.truth import ARMS, Arm, experiment_name
from videopasta_assets.taxonomy import MODES

OVERALL: Final = "all"
SCOPES: Final = (*(mode.value for mode in MODES), OVERALL)
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
    modes: NDArray[np.str_]
    base: NDArray[np.float64]
    arms: Mapping[str, NDArray[np.float64]]


def load_answers(connection: duckdb.DuckDBPyConnection, benchmark: str, seeds: int) -> Answers:
    """Answers of the base and of every arm whose seeds are all scored; items that all of them have."""
    rows = connection.execute(
        "SELECT item_id, experiment, any_value(mode), any_value(video_id), any_value(correct)::INT "
        "FROM benchmark_answers WHERE benchmark = ? AND error IS NULL GROUP BY ALL",
        [benchmark],
    ).fetchall()
    table: dict[str, dict[str, float]] = {}
    facts: dict[str, tuple[str, str]] = {}
    for item, experiment, mode, video, correct in rows:
        table.setdefault(experiment, {})[item] = float(correct)
        facts[item] = (mode, video)
    named = {arm.name: [experiment_name(arm, seed) for seed in range(seeds)] for arm in ARMS}
    complete = {arm: names for arm, names in named.items() if all(name in table for name in names)}
    held = [table["base"], *(table[name] for names in complete.values() for name in names)] if "base" in table else []
    items = sorted(set.intersection(*(set(answers) for answers in held))) if held else []
    videos = {video: index for index, video in enumerate(sorted({facts[item][1] for item in items}))}
    return Answers(
        videos=np.array([videos[facts[item][1]] for item in items], dtype=np.int64),
        modes=np.array([facts[item][0] for item in items], dtype=np.str_),
        base=np.array([table["base"][item] for item in items]) if items else np.zeros(0),
        arms={
            arm: np.array([[table[name][item] for item in items] for name in names]) for arm, names in complete.items()
        },
    )


def effects(answers: Answers, *, samples: int = 2000, seed: int = 0) -> list[Effect]:
    """Every arm against the base, by mode and over all."""
    found = []
    for arm, correct in answers.arms.items():
        for scope in SCOPES:
            chosen = np.ones(len(answers.base), bool) if scope == OVERALL else answers.modes == scope
            if chosen.any():
                gain = correct[:, chosen] - answers.base[chosen]
                low, high = interval(gain, answers.videos[chosen], samples=samples, seed=seed)
                found.append(
                    Effect(
                        arm,
                        scope,
                        int(chosen.sum()),
                        len(correct),
                        float(answers.base[chosen].mean()),
                        float(correct[:, chosen].mean()),
                        float(gain.mean()),
                        low,
                        high,
                    )
                )
    return found


def between(
    answers: Answers, first: str, second: str, *, samples: int = 2000, seed: int = 0
) -> tuple[float, float, float]:
    """Difference `first - second` of two arms over all items: (mean, low, high)."""
    gain = answers.arms[first] - answers.arms[second]
    low, high = interval(gain, answers.videos, samples=samples, seed=seed)
    return float(gain.mean()), low, high


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


def arm_named(name: str) -> Arm:
    """The arm of that name."""
    return next(arm for arm in ARMS if arm.name == name)


def pair_quality(connection: duckdb.DuckDBPyConnection) -> Sequence[tuple[str, int, float, float, float, float]]:
    """What the oracle knows of the pairs: (set, number, chosen all true, chosen right, rejected on target, good)."""
    return connection.execute(
        """
        WITH judged AS (
            SELECT verdicts.attempt, oracle_scores.* FROM oracle_scores JOIN verdicts USING (adversary_id)
            WHERE oracle_scores.error IS NULL)
        SELECT pairs, count(*), avg((aligned_truth = 'true')::INT), avg(aligned_right::INT), avg(on_target::INT),
               avg(good_pair::INT)
        FROM (SELECT 'verified' AS pairs, * FROM judged WHERE verdict = 'accepted'
              UNION ALL SELECT 'unfiltered', * FROM judged WHERE attempt = 1)
        GROUP BY pairs ORDER BY pairs DESC
        """
    ).fetchall()


def verifier_quality(
    connection: duckdb.DuckDBPyConnection,
) -> Sequence[tuple[str, int, float | None, float | None]]:
    """The verifier's precision and recall of acceptance: (yardstick, attempts, precision, recall)."""
    return connection.execute(
        """
        WITH judged AS (
            SELECT verdict = 'accepted' AS given, expected_verdict = 'accepted' AS by_text, good_pair AS by_truth
            FROM oracle_scores WHERE error IS NULL)
        SELECT yardstick, count(*), count(*) FILTER (given AND wanted) / nullif(count(*) FILTER (given), 0),
               count(*) FILTER (given AND wanted) / nullif(count(*) FILTER (wanted), 0)
        FROM (SELECT 'text' AS yardstick, given, by_text AS wanted FROM judged
              UNION ALL SELECT 'truth', given, by_truth FROM judged)
        GROUP BY yardstick ORDER BY yardstick
        """
    ).fetchall()
