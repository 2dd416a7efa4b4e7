"""What a blind guesser could know, and how options are drawn so that it does not help."""

import random
from collections import Counter
from itertools import permutations

import pytest

from videopasta_assets.toyworld import priors
from videopasta_assets.toyworld.facts import seconds
from videopasta_assets.toyworld.scene import SLOTS, sample_scene

DURATION = 12.0
SPACE = 1.15 * (0.5 + 0.06 * DURATION)


def true_pairs(family: str, count: int) -> list[tuple[str, priors.Pair]]:
    """Kinds and pairs of scenes that the priors were not measured on, each kind as often."""
    found: dict[str, list[priors.Pair]] = {}
    for number in range(count):
        scene = sample_scene(random.Random(f"test:{number}"))
        scale = DURATION / scene.duration
        if family == "cause":
            for thing in scene.things:
                kind = "touched" if thing.caused_by else "alone"
                found.setdefault(kind, []).append((kind, str(seconds(thing.flash * scale))))
        else:
            for x, y in permutations(scene.things, 2):
                end = x.flash + scene.duration / SLOTS
                if abs(end - y.flash) >= 0.4 * scene.slot:
                    pair = (str(seconds(end * scale)), str(seconds(y.flash * scale)))
                    found.setdefault("before" if end < y.flash else "after", []).append(pair)
    return [(kind, pair) for kind, pairs in found.items() for pair in pairs]


@pytest.mark.parametrize("family", ["cause", "end order"])
def test_every_corner_of_a_square_is_the_true_one_as_often(family: str) -> None:
    rng = random.Random(0)
    squares = priors.squares(family, DURATION, SPACE)
    asked: Counter[tuple[str, priors.Pair, priors.Pair]] = Counter()
    for kind, own in true_pairs(family, 6000):
        if own in squares and rng.random() < squares[own].share:
            partner = rng.choices(squares[own].partners, squares[own].weights)[0]
            asked[kind, own, partner] += 1
    by_kind = Counter(kind for (kind, *_), n in asked.items() for _ in range(n))
    corners: Counter[str] = Counter()
    for (kind, own, (c, d)), n in asked.items():
        # Both kinds are drawn as often; the guess is the pair that is likelier when nothing is known of the others.
        four = sorted([own, (own[0], d), (c, own[1]), (c, d)])
        corners[str(four.index(own))] += n / by_kind[kind]
    shares = [n / sum(corners.values()) for n in corners.values()]
    assert max(shares) < 0.3


def test_a_second_with_less_room_is_asked_less() -> None:
    room = priors.room("leaves", DURATION, SPACE)
    triples = priors.spaced_triples("leaves", DURATION, SPACE)
    assert max(room.values()) <= len(triples)
    for second, fitting in room.items():
        assert fitting == sum(priors.apart((*triple, second), SPACE) for triple in triples)
    assert all(priors.apart(triple, SPACE) for triple in triples)


def test_they_are_the_same_each_time() -> None:
    first = priors.moments("jumps", DURATION)
    priors.moments.cache_clear()
    assert priors.moments("jumps", DURATION) == first
