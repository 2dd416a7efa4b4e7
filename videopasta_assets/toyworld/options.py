"""Four options for a question, made so that their texts alone do not tell which is true.

Distractors that are all edits of the truth give it away: the truth is then what shares most with the other three. So
two facets of the claim are varied, each over two values, and the options are all four combinations: every value occurs
twice, whichever option is true. Other seconds are drawn from where true ones come from, and no option contradicts
itself. Where a claim has one facet alone, the options are four of its values; where its kind decides which slots it
has, they are two kinds with two values each, or all four kinds.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from videopasta_assets.taxonomy import FailureMode
from videopasta_assets.toyworld.claims import EDGES, PLACES, VERBS, Claim, Sentence, claim
from videopasta_assets.toyworld.facts import event_times, holds, seconds, tolerance
from videopasta_assets.toyworld.falsify import wrong_claims
from videopasta_assets.toyworld.questions import Question
from videopasta_assets.toyworld.scene import COLOURS, COLUMNS, ROWS, SETTINGS, Scene, sample_scene

OPTIONS: Final = 4
QUESTION: Final = "question"
"""The plain kind of item: one option is true of the video."""

_Fields = dict[str, str]
"""What a claim says, taken apart: kind and slots without what follows from them, places as row and column."""

_FOLLOWS: Final = {
    **dict.fromkeys(("before", "after"), "flash order"),
    **dict.fromkeys(("ends_before", "ends_after"), "end order"),
    **dict.fromkeys(("together", "apart"), "flash pair"),
    **dict.fromkeys(("stays", "changes"), "settings"),
}
"""Kinds that follow from the slots: which of two seconds is earlier, whether two values are the same."""

_SAME_VALUES: Final = {"flash pair": ("s", "r"), "settings": ("a", "b")}
"""Slots that share their two values, so that equal and unequal ones are as frequent among the options."""

_GAP_SLOTS: Final = 1.6
"""Flashes at different times start at least two slots apart, less what a touch shifts and rounding hides."""

_GIVEN: Final = frozenset({"at", "setting"})
"""Kinds whose second is part of the question."""


_ENDS: Final = ("both_ends", "only_start", "only_end")
_PATHS: Final = ("never_jumps", "jumps_once", "jumps_twice")
_PRESENCES: Final = {"never_leaves": (), "gone": ("leaves",), "late": ("enters",), "comes_back": ("leaves", "returns")}
"""Kinds that tell when a thing is there, and the events at their seconds."""

_MOVING: Final = 0.3
"""Share of things that end in another cell than they start in."""

_MARKS: Final = ("announced", "no_mark")
_IN_KINDS: Final = frozenset({*_ENDS, *_PATHS, *_PRESENCES, *_MARKS})
"""Forms whose kind carries the answer; their slots depend on it."""


@dataclass(frozen=True)
class Probe:
    """A multiple-choice question of one kind; `options[answer_index]` is right."""

    kind: str
    mode: FailureMode
    category: str
    question: str
    options: tuple[str, ...]
    answer_index: int

    @property
    def answer(self) -> str:
        return self.options[self.answer_index]


def four_options(scene: Scene, question: Question, rng: random.Random) -> tuple[list[str], int] | None:
    """Four distinct options of which exactly one is true, shuffled, and its index; None where too few are plausible."""
    found = distractors(scene, question.answer, rng)
    if found is None:
        return None
    index = rng.randrange(OPTIONS)
    options = [Sentence(option).text for option in found]
    options.insert(index, Sentence(question.answer).text)
    return options, index


def distractors(scene: Scene, truth: Claim, rng: random.Random) -> list[Claim] | None:
    """Three false claims that answer the same question as `truth`, shuffled; None where there are not so many."""
    if truth.kind in _IN_KINDS:
        found = _other_kinds(scene, truth, rng)
        rng.shuffle(found)
        return found if len(found) == OPTIONS - 1 else None
    fields = _taken_apart(truth)
    edits = list(_edits(scene, truth, fields, rng))
    rng.shuffle(edits)
    chosen = next(_squares(scene, truth, fields, edits), None)
    if chosen is None:
        made = [_assembled(fields | edit) for edit in edits]
        chosen = list(dict.fromkeys(c for c in made if c is not None and _wrong(scene, truth, c)))[: OPTIONS - 1]
    rng.shuffle(chosen)
    return chosen if len(chosen) == OPTIONS - 1 else None


def _other_kinds(scene: Scene, truth: Claim, rng: random.Random) -> list[Claim]:
    x = truth["x"]
    if truth.kind in _PRESENCES:
        found = [_presence(scene, kind, x, rng) for kind in _PRESENCES if kind != truth.kind]
    elif truth.kind in _MARKS:
        others = rng.sample([colour for colour in COLOURS if colour not in (x.split()[0], truth["m"])], 2)
        if truth.kind == "no_mark" and truth["m"] != "missing":
            others.pop()
        found = [claim("announced", x=x, m=x.split()[0])]
        found += [claim("no_mark", x=x, m=colour) for colour in ("missing", *others)]
    else:
        found = _two_kinds(truth, _ENDS if truth.kind in _ENDS else _PATHS, rng)
    return [option for option in dict.fromkeys(found) if option != truth and not holds(option, scene)]


def _two_kinds(truth: Claim, family: tuple[str, ...], rng: random.Random) -> list[Claim]:
    """Truth's kind and another one, each with two values of its places."""
    partner = rng.choice([kind for kind in family if kind != truth.kind])
    slots = dict(truth.slots)
    spare = rng.sample([place for place in PLACES if place not in slots.values()], 5)
    filled = {"x": slots["x"], **{slot: slots.get(slot) or spare.pop() for slot in "pqt"}}
    if family is _ENDS:
        # Most things end where they start: so do most of the false ones, or the true one would stand out.
        moves = slots["p"] != slots["q"] if truth.kind == "both_ends" else rng.random() < _MOVING
        filled["p"], filled["q"] = slots.get("p") or slots["q"], slots.get("q") or slots["p"]
        if moves and truth.kind != "both_ends":
            filled["p" if truth.kind == "only_end" else "q"] = spare.pop()
        varied = filled | {"p": (other := spare.pop()), "q": spare.pop() if moves else other}
    else:
        varied = filled | {"p": spare.pop()}
    return [claim(truth.kind, **varied), claim(partner, **filled), claim(partner, **varied)]


def _presence(scene: Scene, kind: str, x: str, rng: random.Random) -> Claim:
    """A claim of the kind with seconds at which its events are as likely as any."""
    while True:
        fractions = [rng.choice(_likely_fractions()[event]) for event in _PRESENCES[kind]]
        if fractions == sorted(fractions):
            times = [seconds(fraction * scene.duration) for fraction in fractions]
            return claim(kind, x=x, **dict(zip("sr", times, strict=False)))


def _squares(scene: Scene, truth: Claim, fields: _Fields, edits: list[_Fields]) -> Iterator[list[Claim]]:
    """Two edits of different facets, and both at once."""
    for index, first in enumerate(edits):
        for second in edits[index + 1 :]:
            if first.keys() & second.keys():
                continue
            found = [_assembled(fields | edit) for edit in (first, second, first | second)]
            claims = [option for option in found if option is not None and _wrong(scene, truth, option)]
            if len(set(claims)) == OPTIONS - 1:
                yield claims


def _wrong(scene: Scene, truth: Claim, option: Claim) -> bool:
    return option != truth and not holds(option, scene) and _plausible(scene, option)


def _plausible(scene: Scene, option: Claim) -> bool:
    """Whether the times keep the distance that this world's flashes keep: else a blind guesser strikes it out."""
    slots = dict(option.slots)
    if option.kind == "together" or not {"s", "r"} <= slots.keys():
        return True
    later = (int(slots["r"]) - int(slots["s"])) / scene.slot
    if option.kind in ("ends_before", "ends_after"):
        later += 1  # from start to start; two that flash together are not apart
        return abs(later) < 0.4 or abs(later) >= _GAP_SLOTS
    return abs(later) >= _GAP_SLOTS


def _edits(scene: Scene, truth: Claim, fields: _Fields, rng: random.Random) -> Iterator[_Fields]:
    """Changes of one facet each, by their new values."""
    if fields["kind"] in _SAME_VALUES:
        yield from _two_values(scene, fields, rng)
        return
    others = _other_facets(fields, wrong_claims(scene, truth, rng))
    yield from others
    if truth.kind not in _GIVEN:
        for slot in ("s", "r"):
            if slot in fields:
                for second in _other_seconds(scene, fields, slot, rng):
                    yield {slot: second}
    alone = not others and "q" not in fields
    for slot in ("p", "q"):
        if slot in fields:
            for place in rng.sample(PLACES, 4):
                row, column = place.split()
                # Where a place is all that can vary, its row and its column are two facets.
                changes = (
                    ({slot: row}, {f"{slot}.column": column}) if alone else ({slot: row, f"{slot}.column": column},)
                )
                yield from (change for change in changes if any(fields[name] != change[name] for name in change))


def _other_facets(fields: _Fields, options: list[Claim]) -> list[_Fields]:
    """How the options differ, their seconds and places left aside."""
    found: list[_Fields] = []
    for option in options:
        after = _taken_apart(option)
        names = sorted((fields.keys() | after.keys()) - {"s", "r", "p", "q", "p.column", "q.column"})
        change = {name: after.get(name, "") for name in names if fields.get(name) != after.get(name)}
        if change and change not in found:
            found.append(change)
    kinds = [change for change in found if "kind" in change]
    # Beside another facet, either kind may be the true one: two claims of one kind and none of the other point to it.
    return kinds if kinds and {"s", "p"} & fields.keys() else found


def _two_values(scene: Scene, fields: _Fields, rng: random.Random) -> Iterator[_Fields]:
    first, second = _SAME_VALUES[fields["kind"]]
    one, other = fields[first], fields[second]
    if one == other:
        found = (
            _other_seconds(scene, fields, first, rng)
            if first == "s"
            else rng.sample([setting for setting in SETTINGS if setting != one], 1)
        )
        if not found:
            return
        other = found[0]
        yield {first: other}
        yield {second: other}
    else:
        yield {first: other}
        yield {second: one}


def _other_seconds(scene: Scene, fields: _Fields, slot: str, rng: random.Random) -> list[str]:
    """Up to three seconds, clearly apart from each other and from the stated one, as likely as that one."""
    fractions = _likely_fractions()[_event(fields, slot)]
    kept = [int(fields[slot])]
    # Where a second is all that can vary, three more are needed: then any moment will do as a last resort.
    tries = 80 if fields["kind"] in ("happens", "cut") else 60
    for attempt in range(tries):
        fraction = rng.choice(fractions) if attempt < 60 else rng.random()
        second = seconds(fraction * scene.duration)
        if all(abs(second - other) > 1.15 * tolerance(scene) for other in kept):
            kept.append(second)
    return [str(second) for second in kept[1:OPTIONS]]


def _event(fields: _Fields, slot: str) -> str:
    """What happens at a stated second."""
    if fields["kind"] == "end order" and slot == "s":
        return "flash ends"
    kind = fields["kind"]
    return fields.get("v", kind if kind in ("cut", "touched", "alone") else "flash")


@cache
def _likely_fractions() -> dict[str, tuple[float, ...]]:
    """Where in a video things happen, as fractions of its duration, by event; measured on scenes of no split."""
    found: dict[str, list[float]] = {}
    for number in range(1500):
        scene = sample_scene(random.Random(f"prior:{number}"))
        times = {
            "flash": [thing.flash for thing in scene.things],
            "flash ends": [thing.flash + scene.slot for thing in scene.things],
            "touched": [thing.flash for thing in scene.things if thing.caused_by],
            "alone": [thing.flash for thing in scene.things if not thing.caused_by],
            "cut": [] if scene.cut is None else [scene.cut],
            **{verb: [t for thing in scene.things for t in event_times(thing, verb)[:1]] for verb in VERBS},
        }
        for event, moments in times.items():
            found.setdefault(event, []).extend(moment / scene.duration for moment in moments)
    return {event: tuple(fractions) for event, fractions in found.items()}


def _taken_apart(said: Claim) -> _Fields:
    fields = {"kind": _FOLLOWS.get(said.kind, said.kind), **dict(said.slots)}
    if said.kind == "stays":
        fields["b"] = fields["a"]
    for slot in ("p", "q"):
        if slot in fields:
            fields[slot], fields[f"{slot}.column"] = fields[slot].split()
    if said.kind in ("side", "edge"):
        del fields["o" if said.kind == "side" else "e"]
    return fields


def _assembled(fields: _Fields) -> Claim | None:  # noqa: PLR0911 - one rule a kind
    """The claim that the fields make; None where they contradict each other."""
    slots = {name: value for name, value in fields.items() if value and not name.endswith(".column")}
    kind = slots.pop("kind")
    for slot in ("p", "q"):
        if slot in slots:
            slots[slot] += f" {fields[f'{slot}.column']}"
    if slots.get("x") is not None and slots.get("x") == slots.get("y"):
        return None
    match kind:
        case "settings":
            return claim("stays" if slots["a"] == slots["b"] else "changes", **slots)
        case "flash pair":
            return claim("together" if slots["s"] == slots["r"] else "apart", **slots)
        case "flash order" | "end order":
            if slots["s"] == slots["r"]:
                return None
            earlier = int(slots["s"]) < int(slots["r"])
            prefix = "ends_" if kind == "end order" else ""
            return claim(f"{prefix}{'before' if earlier else 'after'}", **slots)
        case "side":
            one, other = (COLUMNS.index(fields[f"{slot}.column"]) for slot in "pq")
            return None if one == other else claim(kind, o="left of" if one < other else "right of", **slots)
        case "edge":
            return claim(kind, e=EDGES[ROWS.index(fields["p"])], **slots)
    try:
        return claim(kind, **slots)
    except KeyError:
        return None
