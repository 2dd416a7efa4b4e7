"""Preference sets combined by ratio, as in TimeWarp's Combined (17k + 7.5k + 7.5k pairs, section 4)."""

import math
import random
from collections.abc import Mapping, Sequence

from videopasta_assets.errors import UserError
from videopasta_assets.training.pairs import TrainingPair


def mix_pairs(
    sets: Mapping[str, Sequence[TrainingPair]], ratios: Mapping[str, float], *, total: int | None = None, seed: int = 0
) -> list[TrainingPair]:
    """A seeded draw from several sets, of sizes in proportion to `ratios`.

    Sizes that do not come out are rounded to the largest remainders. A pair that several sets hold counts for the
    first that names it. Adding pairs to one set does not change what is drawn of the others.

    Args:
        sets: pairs by the name of their set.
        ratios: the share of each set, in any unit; all above 0, one for each set.
        total: pairs to draw; None: the most that the ratios allow.

    Raises:
        UserError: a set without ratio or a ratio without set, one that is not above 0, an empty set, or too few pairs.
    """
    if sets.keys() != ratios.keys() or not sets:
        odd = sorted(sets.keys() ^ ratios.keys())
        raise UserError(
            f"sets and ratios do not match: {', '.join(odd) or 'both are empty'}",
            where="combined preference sets",
            fix="Give one ratio for each set.",
        )
    own = _without_repeats(sets)
    for name, ratio in ratios.items():
        if not (ratio > 0 and math.isfinite(ratio)) or not own[name]:
            problem = "has no pairs of its own" if ratio > 0 else f"has ratio {ratio:g}"
            raise UserError(f"the set {problem}", where=f"preference set {name}", fix="Leave it out of the mixture.")
    share = {name: ratio / math.fsum(ratios.values()) for name, ratio in ratios.items()}
    most = min(math.floor(len(own[name]) / share[name] + 1e-9) for name in own)
    sizes = _sizes(share, most if total is None else total)
    for name, size in sizes.items():
        if size > len(own[name]):
            raise UserError(
                f"{size} pairs are to be drawn, it has {len(own[name])}",
                where=f"preference set {name}",
                fix=f"Draw at most {most} pairs in all, or lower its ratio.",
            )
    drawn: list[TrainingPair] = []
    for name, size in sizes.items():
        ordered = sorted(own[name], key=lambda pair: (pair.content_hash, pair.pair_id))
        drawn += random.Random(f"{seed}:{name}").sample(ordered, size)
    return drawn


def _without_repeats(sets: Mapping[str, Sequence[TrainingPair]]) -> dict[str, list[TrainingPair]]:
    seen: set[str] = set()
    own: dict[str, list[TrainingPair]] = {}
    for name, pairs in sets.items():
        own[name] = []
        for pair in pairs:
            if pair.content_hash not in seen:
                seen.add(pair.content_hash)
                own[name].append(pair)
    return own


def _sizes(share: Mapping[str, float], total: int) -> dict[str, int]:
    """Whole numbers in proportion to `share` that sum to `total`."""
    exact = {name: part * total for name, part in share.items()}
    sizes = {name: math.floor(value + 1e-9) for name, value in exact.items()}
    by_remainder = sorted(exact, key=lambda name: (sizes[name] - exact[name], name))
    for name in by_remainder[: total - sum(sizes.values())]:
        sizes[name] += 1
    return sizes
