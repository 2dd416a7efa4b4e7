"""How often this world says a thing, before anyone has looked: what a blind guesser could know at best.

Measured on scenes of no split, whose times are fractions of a video's length; stated seconds are rounded, so the counts
are made for each length.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise, permutations
from typing import Final

import numpy as np
from numpy.typing import NDArray

from videopasta_assets.toyworld.facts import event_times, seconds
from videopasta_assets.toyworld.scene import Scene, sample_scene

_SCENES: Final = 4000
_ROUNDS: Final = 20
"""Of the search for the weights of kinds."""

Pair = tuple[str, str]
"""Two facets of a claim, as stated: two seconds, or a kind and a second."""


@cache
def _scenes() -> tuple[Scene, ...]:
    return tuple(sample_scene(random.Random(f"prior:{number}")) for number in range(_SCENES))


@cache
def moments(verb: str, duration: float) -> Counter[int]:
    """How often a thing jumps, enters, leaves or returns at each second of a video of `duration` seconds.

    Things that do so twice are left out.
    """
    happened = ((scene, event_times(thing, verb)) for scene in _scenes() for thing in scene.things)
    return Counter(seconds(times[0] * duration / scene.duration) for scene, times in happened if len(times) == 1)


@cache
def presences(presence: str, duration: float) -> tuple[tuple[int, ...], ...]:
    """The seconds at which things of this presence come or go, together, each scene's once."""
    found = []
    for scene in _scenes():
        scale = duration / scene.duration
        for thing in scene.things:
            if thing.presence == presence:
                times = (time for span in thing.spans for time in span if 0 < time < scene.duration)
                found.append(tuple(seconds(time * scale) for time in times))
    return tuple(found)


@cache
def flash_pairs(duration: float) -> tuple[Pair, ...]:
    """The seconds of each two flashes at different times."""
    return tuple(
        (str(seconds(x.flash / scene.duration * duration)), str(seconds(y.flash / scene.duration * duration)))
        for scene in _scenes()
        for x, y in permutations(scene.things, 2)
        if x.flash != y.flash
    )


@cache
def other_flashes(duration: float) -> dict[str, tuple[str, ...]]:
    """Seconds of flashes that go with one at a given second, as often as they do."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for first, second in flash_pairs(duration):
        found[first].append(second)
    return {first: tuple(seconds_) for first, seconds_ in found.items()}


@dataclass(frozen=True)
class Squares:
    """Partners of a pair (a, b): pairs (c, d) such that (a, b), (a, d), (c, b) and (c, d) are all said in this world.

    Attributes:
        partners: the others.
        weights: how often each is to be drawn.
        share: of the questions whose answer is the pair, how many are to be asked.
    """

    partners: tuple[Pair, ...]
    weights: tuple[float, ...]
    share: float


@cache
def squares(family: str, duration: float, space: float) -> dict[Pair, Squares]:
    """Squares of each pair, drawn so that all four corners are as likely to be the true one.

    A corner (a, b) is true p(a, b) of the time. If each of its squares is drawn in proportion to the least p of the
    four corners, and the question is asked in proportion to their sum over p(a, b), every corner of a square is the
    true one as often: p cancels. As questions are drawn so that both kinds of answer are as frequent among those that
    are asked, p weighs the kinds so that they are.

    Args:
        family: `cause`, a kind and a second; or `end order`, the second at which one thing stops flashing and that at
            which another starts.
        duration: of the video, in seconds.
        space: seconds by which stated seconds must differ.
    """
    told: defaultdict[str, Counter[Pair]] = defaultdict(Counter)
    for kind, pair in _FAMILIES[family](duration):
        told[kind][pair] += 1
    firsts, others = (sorted({pair[side] for counts in told.values() for pair in counts}) for side in (0, 1))
    by_kind = np.zeros((len(told), len(firsts), len(others)))
    for number, counts in enumerate(told.values()):
        for (a, b), n in counts.items():
            by_kind[number, firsts.index(a), others.index(b)] = n / counts.total()
    allowed = _differ(firsts, space)[:, None, :, None] & _differ(others, space)[None, :, None, :]
    weights = np.ones(len(told))
    for _ in range(_ROUNDS):
        p = np.tensordot(weights, by_kind, 1)
        corners = (p[:, :, None, None], p[:, None, None, :], p.T[None, :, :, None], p[None, None])
        least = np.minimum(np.minimum(corners[0], corners[1]), np.minimum(corners[2], corners[3])) * allowed
        ratio = np.divide(least.sum((2, 3)), p, out=np.zeros_like(p), where=p > 0)
        asked = weights * (by_kind * ratio).sum((1, 2))
        if asked.min() == 0:
            break
        weights /= np.sqrt(asked)
    found = {}
    for a, b in np.argwhere(ratio > 0):
        partners = np.argwhere(least[a, b] > 0)
        found[firsts[a], others[b]] = Squares(
            tuple((firsts[c], others[d]) for c, d in partners),
            tuple(least[a, b][tuple(partners.T)].tolist()),
            float(ratio[a, b] / ratio.max()),
        )
    return found


def _causes(duration: float) -> Iterator[tuple[str, Pair]]:
    """Why and when things flash."""
    for scene in _scenes():
        for thing in scene.things:
            kind = "touched" if thing.caused_by else "alone"
            yield kind, (kind, str(seconds(thing.flash * duration / scene.duration)))


def _end_orders(duration: float) -> Iterator[tuple[str, Pair]]:
    """When one thing stops flashing and another starts."""
    for scene in _scenes():
        scale = duration / scene.duration
        for x, y in permutations(scene.things, 2):
            end = x.flash + scene.slot
            if abs(end - y.flash) >= 0.4 * scene.slot:
                kind = "ends_before" if end < y.flash else "ends_after"
                yield kind, (str(seconds(end * scale)), str(seconds(y.flash * scale)))


_FAMILIES: Final = {"cause": _causes, "end order": _end_orders}


def _differ(values: list[str], space: float) -> NDArray[np.bool_]:
    """Which two of the values are clearly different, shape (values, values)."""
    if not all(value.isdecimal() for value in values):
        return ~np.eye(len(values), dtype=bool)
    numbers = np.array([int(value) for value in values])
    return np.asarray(abs(numbers[:, None] - numbers) > space)


@cache
def spaced_triples(verb: str, duration: float, space: float) -> tuple[tuple[int, int, int], ...]:
    """Three seconds at which it is as likely to happen as it is, more than `space` seconds from each other."""
    rng = random.Random(f"triples:{verb}:{duration}")
    counts = moments(verb, duration)
    drawn = rng.choices(list(counts), list(counts.values()), k=9000)
    triples = zip(drawn[::3], drawn[1::3], drawn[2::3], strict=True)
    return tuple(triple for triple in triples if apart(triple, space))


def apart(times: tuple[int, ...], space: float) -> bool:
    """Whether all are more than `space` from each other."""
    ordered = sorted(times)
    return all(later - earlier > space for earlier, later in pairwise(ordered))


@cache
def room(verb: str, duration: float, space: float) -> Counter[int]:
    """For each second, how many of the spaced triples keep their distance to it."""
    triples = spaced_triples(verb, duration, space)
    return Counter(
        {second: sum(apart((*triple, second), space) for triple in triples) for second in moments(verb, duration)}
    )
