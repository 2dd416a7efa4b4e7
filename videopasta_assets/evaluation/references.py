"""The papers' tables, keyed by (paper, table, model, benchmark): shown beside ours under their name, never a target.

Papers disagree about one model (InternVL2.5 on LongVideoBench: 52.9 and 57.8), so a value without its paper and table
means nothing. Relative gains are recomputed; where the paper's text says otherwise, the recomputed value stands.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml

PAIRS: Final = {"VideoPASTA": 7_020, "TPO": 10_000, "Hound-DPO": 17_000}
"""Pairs that each method of VideoPASTA's table 1 trained on (section 4; figures 6 and 7)."""

VIDEOPASTA: Final = "VideoPASTA (arXiv 2504.14096)"
VIDEOSAVI: Final = "VideoSAVi (arXiv 2412.00624)"
TIMEWARP: Final = "TimeWarp (arXiv 2510.03955)"


@dataclass(frozen=True)
class ReferenceScore:
    """One published value, in percent."""

    paper: str
    table: str
    about: str
    model: str
    benchmark: str
    value: float


@dataclass(frozen=True)
class ReferenceGain:
    """A gain that a paper states, and what its own table gives.

    `relative` gains are percent of the base's score, others are points. `recomputed` is not rounded.
    """

    paper: str
    table: str
    model: str
    base: str
    benchmark: str
    relative: bool
    stated: float
    recomputed: float


@dataclass(frozen=True)
class InformationGainClaim:
    """VideoPASTA's information gain as a multiple of another method's: stated, and recomputed (None: negative)."""

    benchmark: str
    against: str
    stated: float
    recomputed: float | None


@cache
def reference_scores() -> tuple[ReferenceScore, ...]:
    """Every published value, in the order of the papers."""
    return tuple(
        ReferenceScore(table["paper"], table["table"], table["about"], str(model), benchmark, value)
        for table in _data()["tables"]
        for model, values in table["models"].items()
        for benchmark, value in zip(table["benchmarks"], _values(values), strict=True)
        if value is not None
    )


@cache
def reference_gains() -> tuple[ReferenceGain, ...]:
    """Every gain that a paper states, beside what its table gives."""
    values = {(row.paper, row.table, row.model, row.benchmark): row.value for row in reference_scores()}
    benchmarks = {(table["paper"], table["table"]): table["benchmarks"] for table in _data()["tables"]}
    found = []
    for claim in _data()["claims"]:
        key = (claim["paper"], claim["table"])
        for benchmark, stated in zip(benchmarks[key], _values(claim["gains"]), strict=True):
            if stated is not None:
                base = values[*key, claim["base"], benchmark]
                gain = values[*key, claim["model"], benchmark] - base
                recomputed = 100 * gain / base if claim["relative"] else gain
                found.append(
                    ReferenceGain(*key, claim["model"], claim["base"], benchmark, claim["relative"], stated, recomputed)
                )
    return tuple(found)


def information_gain(final: float, base: float, pairs: int) -> float:
    """Score points for each thousand pairs (VideoPASTA, equation 4)."""
    return (final - base) / pairs * 1000


def gain_ratio(ours: float, theirs: float) -> float | None:
    """How many times `theirs` is in `ours`; None where a denominator that is not positive makes no sense of it."""
    return ours / theirs if theirs > 0 and ours > 0 else None


@cache
def information_gain_claims() -> tuple[InformationGainClaim, ...]:
    """The multiples that VideoPASTA states, beside those that its table 1 gives."""
    scores = {
        (row.model, row.benchmark): row.value
        for row in reference_scores()
        if (row.paper, row.table) == (VIDEOPASTA, "T1")
    }

    def gain(method: str, benchmark: str) -> float:
        final, base = scores[f"Qwen2.5-VL + {method}", benchmark], scores["Qwen2.5-VL", benchmark]
        return information_gain(final, base, PAIRS[method])

    return tuple(
        InformationGainClaim(
            claim["benchmark"],
            claim["against"],
            float(claim["times"]),
            gain_ratio(gain("VideoPASTA", claim["benchmark"]), gain(claim["against"], claim["benchmark"])),
        )
        for claim in _data()["information_gain_claims"]
    )


@cache
def _data() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(files(__package__).joinpath("references.yaml").read_text(encoding="utf-8"))
    return loaded


def _values(text: str | float) -> list[float | None]:
    return [None if part == "-" else float(part) for part in str(text).split()]
