"""Slots: which queries a video gets, and which failure mode each of a query's k adversaries targets, and how.

The paper asks 10 queries a video (section 4) and does not say how they divide over the modes; 4/3/3 with the
larger share rotating by video is our choice.

On adversaries it says both "three for each mode" (section 3.4, figure 2) and "one for each mode" (sections 3,
4.2, A.2.1, A.3.1). Both give 90,000 potential pairs because a query has three slots either way. The majority
reading is the default, the other one is a policy.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from videopasta_assets.errors import UserError
from videopasta_assets.recipes.seeds import rotation
from videopasta_assets.taxonomy import CATEGORIES, MODES, STRATEGIES, FailureMode

AdversaryPolicy = Literal["one_per_mode", "within_query_mode"]
"""What the slots of one query target."""


@dataclass(frozen=True)
class Slot:
    """One place for an adversary. `mode` labels the pair that comes of it, which is what partitions the loss.

    `strategies` is the order in which attempts try the ways of breaking `mode`, each once before any repeats.
    """

    slot: int
    mode: FailureMode
    strategies: tuple[str, ...]

    def strategy(self, attempt: int) -> str:
        """The strategy of an attempt; attempts count from 0."""
        if attempt < 0:
            raise ValueError("attempts count from 0")
        return self.strategies[attempt % len(self.strategies)]


def split_queries(
    count: int, mode_counts: Mapping[FailureMode, int] | None, video_id: str
) -> list[tuple[FailureMode, str]]:
    """The (mode, category) of each of a video's `count` queries, grouped by mode.

    Without `mode_counts` the modes share evenly and the remainder rotates with the video's hash. Categories
    start at a place that the hash decides and go round, so a mode's queries differ in category as long as there
    are categories, and all of them are covered over many videos.

    Raises:
        UserError: a negative count, or `mode_counts` that do not sum to `count`.
    """
    if count < 0 or any(number < 0 for number in (mode_counts or {}).values()):
        raise UserError("a number of queries cannot be negative", fix="Use 0 or more.")
    counts = _even_counts(count, video_id) if mode_counts is None else mode_counts
    if sum(counts.values()) != count:
        raise UserError(
            f"queries by mode sum to {sum(counts.values())}, not to {count} queries a video",
            fix="Make the numbers by mode sum to queries_per_video.",
        )
    wanted: list[tuple[FailureMode, str]] = []
    for mode in MODES:
        categories = CATEGORIES[mode]
        start = rotation(len(categories), "category", video_id, mode)
        wanted.extend((mode, categories[(start + i) % len(categories)]) for i in range(counts.get(mode, 0)))
    return wanted


def _even_counts(count: int, video_id: str) -> dict[FailureMode, int]:
    share, rest = divmod(count, len(MODES))
    first = rotation(len(MODES), "mode", video_id)
    favoured = {MODES[(first + i) % len(MODES)] for i in range(rest)}
    return {mode: share + (mode in favoured) for mode in MODES}


def adversary_slots(
    query_id: str,
    query_mode: FailureMode,
    k: int,
    policy: AdversaryPolicy = "one_per_mode",
    strategies: Mapping[FailureMode, tuple[str, ...]] = STRATEGIES,
) -> list[Slot]:
    """The `k` adversary slots of a query; a function of its arguments alone.

    `one_per_mode`: the query's own mode first, then the other two, then the same round again with other
    strategies (so the k=1..5 ablation of table 4 nests: more adversaries never change earlier ones' modes).
    `within_query_mode`: all slots in the query's own mode, each with a different first strategy.

    Raises:
        UserError: `k` below 1, or a targeted mode without strategies.
    """
    if k < 1:
        raise UserError(f"a query needs at least one adversary, got {k}", fix="Set adversaries_per_query to 1 or more.")
    own = FailureMode(query_mode)
    modes = (own,) if policy == "within_query_mode" else (own, *(mode for mode in MODES if mode is not own))
    return [
        Slot(slot, mode, _strategy_order(query_id, mode, slot // len(modes), strategies))
        for slot, mode in ((slot, modes[slot % len(modes)]) for slot in range(k))
    ]


def _strategy_order(
    query_id: str, mode: FailureMode, variant: int, strategies: Mapping[FailureMode, tuple[str, ...]]
) -> tuple[str, ...]:
    """The mode's strategies from where the query's hash says; each further slot of the mode starts one later."""
    names = strategies.get(mode, ())
    if not names:
        raise UserError(
            f"no strategy for adversaries of mode {mode.value!r}",
            fix=f"Name at least one of {', '.join(STRATEGIES[mode])}.",
        )
    start = (rotation(len(names), "strategy", query_id, mode) + variant) % len(names)
    return (*names[start:], *names[:start])
