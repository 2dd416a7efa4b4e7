"""What a guesser gets on the toyworld benchmark that reads the items and never looks at a video.

    python -m videopasta_assets.oracle.blind --scenes 400 --teaching-scenes 800

It is taught on items of other scenes which option tends to be right, from all that the texts give away: the claims'
kinds and values, which values options share, and how stated seconds lie to each other. Chance is 25 %.
"""

import argparse
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, Final

from videopasta_assets.taxonomy import MODES
from videopasta_assets.toyworld.benchmark import draw_items
from videopasta_assets.toyworld.claims import Claim, parse_sentence
from videopasta_assets.toyworld.options import OPTIONS, QUESTION, Probe
from videopasta_assets.toyworld.questions import MODE_OF
from videopasta_assets.toyworld.robustness import CONTROL, PROBES

CHANCE: Final = 1 / OPTIONS
_NAMES: Final = frozenset("xy")
_STEPS: Final = 60
_WIDTH: Final = 48


@dataclass(frozen=True)
class BlindScore:
    """The guesser on the items of one category, mode or kind; shares are in [0, 1]."""

    scope: str
    taught_on: int
    items: int
    accuracy: float
    chance: float = CHANCE


def item_sets(split: str, seed: int, scenes: int, per_scene: int) -> list[Probe]:
    """Items of so many scenes, as the benchmark draws them, without their videos."""
    return [item for drawn in islice(draw_items(split, seed, per_scene), scenes) for item in drawn]


def blind_scores(teaching: Sequence[Probe], asked: Sequence[Probe], seed: int = 0) -> list[BlindScore]:
    """A row a category, a mode, all plain items, and each kind of probe taken together with its control.

    Args:
        teaching: items whose right options the guesser is told.
        asked: items of other scenes that it is scored on.
        seed: of the guesser's weights.
    """
    outcomes = {}
    for category in MODE_OF:
        known, new = _of_category(teaching, category), _of_category(asked, category)
        outcomes[category] = (len(known), _taught(known, new, seed))
    scores = [_score(category, count, right) for category, (count, right) in outcomes.items()]
    for scope in (*MODES, "all"):
        own = [outcomes[category] for category, mode in MODE_OF.items() if scope in (mode, "all")]
        scores.append(_score(scope, sum(count for count, _ in own), [hit for _, right in own for hit in right]))
    for kind in PROBES:
        if not kind.endswith(CONTROL):
            known, new = ([item for item in items if item.kind.startswith(kind)] for items in (teaching, asked))
            scores.append(_score(f"{kind} and control", len(known), _taught(known, new, seed)))
    return [score for score in scores if score.items]


def _of_category(items: Iterable[Probe], category: str) -> list[Probe]:
    return [item for item in items if item.kind == QUESTION and item.category == category]


def _score(scope: str, taught_on: int, right: Sequence[bool]) -> BlindScore:
    return BlindScore(scope, taught_on, len(right), sum(right) / max(1, len(right)))


def _taught(teaching: Sequence[Probe], asked: Sequence[Probe], seed: int) -> list[bool]:
    """Which of `asked` a small network gets right that learnt from `teaching`."""
    import torch

    if not teaching or not asked:
        return []
    vocabulary: dict[str, int] = {}
    known = [[[vocabulary.setdefault(f, len(vocabulary)) for f in traits] for traits in _traits(i)] for i in teaching]
    new = [[[vocabulary[f] for f in traits if f in vocabulary] for traits in _traits(i)] for i in asked]

    def encoded(items: Sequence[Sequence[Sequence[int]]]) -> torch.Tensor:
        table = torch.zeros(len(items), OPTIONS, len(vocabulary))
        for row, options in enumerate(items):
            for column, traits in enumerate(options):
                table[row, column, list(traits)] = 1.0
        return table

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = torch.nn.Sequential(
            torch.nn.Linear(len(vocabulary), _WIDTH), torch.nn.GELU(), torch.nn.Dropout(0.3), torch.nn.Linear(_WIDTH, 1)
        )
        optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=0.1)
        inputs, answers = encoded(known), torch.tensor([item.answer_index for item in teaching])
        for _ in range(_STEPS):
            for some in torch.split(torch.randperm(len(teaching)), 256):
                loss = torch.nn.functional.cross_entropy(network(inputs[some])[..., 0], answers[some])
                optimizer.zero_grad()
                torch.autograd.backward(loss)
                optimizer.step()
        network.eval()
        with torch.no_grad():
            guesses = network(encoded(new))[..., 0].argmax(1).tolist()
    return [guess == item.answer_index for guess, item in zip(guesses, asked, strict=True)]


def _traits(item: Probe) -> list[list[str]]:
    """What the texts say of each option, itself and beside the others; names of things are left out."""
    sentences = [parse_sentence(option) for option in item.options]
    claims = [None if sentence is None else sentence.core for sentence in sentences]
    said = [claim for claim in claims if claim is not None]
    shared = [0 if claim is None else sum(_agreement(claim, other) for other in said) for claim in claims]
    return [
        [
            f"question {item.category}",
            f"shares most: {sorted(shared, reverse=True).index(shared[index])}",
            *(["refusal"] if claim is None else _of_claim(claim, said)),
        ]
        for index, claim in enumerate(claims)
    ]


def _of_claim(claim: Claim, others: Sequence[Claim]) -> Iterator[str]:
    yield f"kind {claim.kind}"
    yield f"{sum(other.kind == claim.kind for other in others)} of this kind"
    slots = dict(claim.slots)
    for name, value in claim.slots:
        agreeing = sum(dict(other.slots).get(name) == value for other in others)
        yield f"{name} shared by {agreeing}"
        yield f"{claim.kind} {name} shared by {agreeing}"
        if name not in _NAMES:
            yield from (f"{name} {word}" for word in value.split())
        if name in "sr":
            seconds = sorted(int(dict(other.slots)[name]) for other in others if name in dict(other.slots))
            yield f"{claim.kind} {name} {seconds.index(int(value))} of {len(seconds)}"
    if {"s", "r"} <= slots.keys():
        apart = int(slots["s"]) - int(slots["r"])
        yield f"{claim.kind} apart by {max(-5, min(5, apart))}"


def _agreement(claim: Claim, other: Claim) -> int:
    return len(set(claim.slots) & set(other.slots)) + 3 * (claim.kind == other.kind)


def main() -> None:
    parser = argparse.ArgumentParser(description="Score a guesser that reads the items and never looks.")
    parser.add_argument("--scenes", type=int, default=400)
    parser.add_argument("--teaching-scenes", type=int, default=800)
    parser.add_argument("--per-scene", type=int, default=9)
    parser.add_argument("--split", default="benchmark")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    teaching = item_sets("validation", args.seed + 1, args.teaching_scenes, args.per_scene)
    scores = blind_scores(teaching, item_sets(args.split, args.seed, args.scenes, args.per_scene), args.seed)
    print(json.dumps([asdict(score) for score in scores]) if args.json else _table(scores))  # noqa: T201


def _table(scores: Sequence[BlindScore]) -> str:
    rows: list[tuple[Any, ...]] = [("scope", "taught on", "items", "right", "chance")]
    rows += [(s.scope, s.taught_on, s.items, f"{s.accuracy:.1%}", f"{s.chance:.0%}") for s in scores]
    return "\n".join(f"{a:<32}{b:>10}{c:>8}{d:>9}{e:>8}" for a, b, c, d, e in rows)


if __name__ == "__main__":
    main()
