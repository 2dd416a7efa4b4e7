"""Four options for a question, made so that their texts alone do not tell which is true.

Distractors that are all edits of the truth give it away: the truth is then what shares most with the other three. So
two facets of the claim are varied, each over two values, and the options are all four combinations: every value occurs
twice, whichever option is true. Where a claim's kind decides which slots it has, the options are two kinds with two
values each, or all four kinds; where a second alone can vary, four seconds. No option contradicts itself.

Other seconds come from where true ones come from, and some sets of options are given up by a draw: as often as it takes
to make each of the four as likely to be the true one for somebody who knows this world and has not looked.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Final

from videopasta_assets.taxonomy import FailureMode
from videopasta_assets.toyworld import priors
from videopasta_assets.toyworld.claims import EDGES, PLACES, Claim, Sentence, claim
from videopasta_assets.toyworld.facts import event_times, holds, tolerance
from videopasta_assets.toyworld.falsify import wrong_claims
from videopasta_assets.toyworld.questions import Question
from videopasta_assets.toyworld.scene import COLOURS, COLUMNS, ROWS, SETTINGS, Scene

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

_CROSSED: Final = {
    **dict.fromkeys(("ends_before", "ends_after"), ("end order", "s", "r")),
    **dict.fromkeys(("touched", "alone"), ("cause", "kind", "s")),
}
"""Claims of two facets that depend on each other: the family in `priors`, and the facets."""

_UNASKED: Final = frozenset({"third", "cut", "returns"})
"""Kinds and events with too few answers as likely as the true one: how many in a third, or always near the middle."""

_ENDS: Final = ("both_ends", "only_start", "only_end")
_PATHS: Final = ("never_jumps", "jumps_once", "jumps_twice")
_PRESENCES: Final = {"never_leaves": "throughout", "gone": "leaves", "late": "enters", "comes_back": "returns"}
"""Kinds that tell when a thing is there, and its presence."""

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
    """Four distinct options of which exactly one is true, shuffled, and its index; None where there are none."""
    found = distractors(scene, question.answer, rng)
    if found is None:
        return None
    index = rng.randrange(OPTIONS)
    options = [Sentence(option).text for option in found]
    options.insert(index, Sentence(question.answer).text)
    return options, index


def distractors(scene: Scene, truth: Claim, rng: random.Random) -> list[Claim] | None:
    """Three false claims that answer the same question as `truth`, shuffled.

    None where there are not so many, and by a draw where they would tell which claim is true.
    """
    if truth.kind in _UNASKED:
        return None
    if truth.kind in _IN_KINDS:
        found = _other_kinds(scene, truth, rng)
    elif truth.kind == "happens":
        found = _other_moments(scene, truth, rng)
    elif truth.kind in ("before", "after"):
        found = _other_orders(scene, truth, rng)
    elif truth.kind in _CROSSED:
        found = _crossed(scene, truth, rng)
    else:
        found = _edited(scene, truth, rng)
    rng.shuffle(found)
    return found if len(found) == OPTIONS - 1 else None


def _edited(scene: Scene, truth: Claim, rng: random.Random) -> list[Claim]:
    """Two edits of different facets, and both at once."""
    fields = _taken_apart(truth)
    edits = list(_edits(scene, truth, fields, rng))
    rng.shuffle(edits)
    for first, second in combinations(edits, 2):
        if not first.keys() & second.keys():
            made = [_assembled(fields | edit) for edit in (first, second, first | second)]
            found = [option for option in made if option is not None and not holds(option, scene)]
            if len(set(found)) == OPTIONS - 1:
                return found
    return []


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
    """A claim of the kind with seconds as they are where it is true."""
    times = rng.choice(priors.presences(_PRESENCES[kind], scene.duration))
    return claim(kind, x=x, **dict(zip("sr", times, strict=False)))


def _other_moments(scene: Scene, truth: Claim, rng: random.Random) -> list[Claim]:
    """The claim at three other seconds, all four clearly apart; none where it happens twice.

    Where few sets of three leave room for a second, each of them goes with it so much more often: such a second is
    asked about as much more seldom.
    """
    verb, space = truth["v"], _space(scene)
    thing = scene.thing(truth["x"].split()[0])
    if verb in _UNASKED or thing is None or len(event_times(thing, verb)) != 1:
        return []
    second, room = int(truth["s"]), priors.room(verb, scene.duration, space)
    if rng.random() * max(room.values()) >= room[second]:
        return []
    fitting = [t for t in priors.spaced_triples(verb, scene.duration, space) if priors.apart((*t, second), space)]
    made = [truth.replaced(s=str(other)) for other in rng.choice(fitting)]
    return [option for option in made if not holds(option, scene)]


def _other_orders(scene: Scene, truth: Claim, rng: random.Random) -> list[Claim]:
    """The two flashes exchanged, and two more at other seconds, either way round: all as likely in this world."""
    own = (truth["s"], truth["r"])
    for _ in range(20):
        other = rng.choice(priors.flash_pairs(scene.duration))
        pairs = (own[::-1], other, other[::-1])
        made = [_assembled(_taken_apart(truth) | {"s": s, "r": r}) for s, r in pairs]
        found = [option for option in made if option is not None and not holds(option, scene)]
        if len(set(found)) == OPTIONS - 1:
            return found
    return []


def _crossed(scene: Scene, truth: Claim, rng: random.Random) -> list[Claim]:
    """The two facets of another claim put together with the truth's in every way."""
    fields = _taken_apart(truth)
    family, *names = _CROSSED[truth.kind]
    own = (fields[names[0]], fields[names[1]])
    squares = priors.squares(family, scene.duration, _space(scene)).get(own)
    if squares is None or rng.random() >= squares.share:
        return []
    partner = rng.choices(squares.partners, squares.weights)[0]
    others = [thing.name for thing in scene.things if thing.name != truth["x"]]
    spare = {"y": fields.get("y") or rng.choice(others)}
    pairs = ((own[0], partner[1]), (partner[0], own[1]), partner)
    made = [_assembled(spare | fields | dict(zip(names, pair, strict=True))) for pair in pairs]
    return [option for option in dict.fromkeys(made) if option is not None and not holds(option, scene)]


def _edits(scene: Scene, truth: Claim, fields: _Fields, rng: random.Random) -> Iterator[_Fields]:
    """Changes of one facet each, by their new values."""
    if fields["kind"] in _SAME_VALUES:
        yield from _two_values(scene, fields, rng)
        return
    others = _other_facets(fields, wrong_claims(scene, truth, rng))
    yield from others
    alone = not others and "q" not in fields
    for slot in ("p", "q"):
        if slot in fields:
            for place in rng.sample(PLACES, len(PLACES)):
                row, column = place.split()
                changes: tuple[_Fields, ...]
                # Where a place is all that can vary, its row and its column are two facets.
                changes = (
                    ({slot: row}, {f"{slot}.column": column}) if alone else ({slot: row, f"{slot}.column": column},)
                )
                yield from (change for change in changes if any(fields[name] != change[name] for name in change))


def _other_facets(fields: _Fields, options: list[Claim]) -> list[_Fields]:
    """How the options differ, their places left aside."""
    found: list[_Fields] = []
    for option in options:
        after = _taken_apart(option)
        names = sorted((fields.keys() | after.keys()) - {"p", "q", "p.column", "q.column"})
        change = {name: after.get(name, "") for name in names if fields.get(name) != after.get(name)}
        if change and change not in found:
            found.append(change)
    kinds = [change for change in found if "kind" in change]
    # Beside another facet, either kind may be the true one: two claims of one kind and none of the other point to it.
    return kinds if kinds and "p" in fields else found


def _two_values(scene: Scene, fields: _Fields, rng: random.Random) -> Iterator[_Fields]:
    first, second = _SAME_VALUES[fields["kind"]]
    one, other = fields[first], fields[second]
    if one == other:
        if first == "s":
            flashes = priors.other_flashes(scene.duration).get(one, ())
            others = [second for second in flashes if abs(int(second) - int(one)) > _space(scene)]
        else:
            others = [setting for setting in SETTINGS if setting != one]
        if not others:
            return
        other = rng.choice(others)
        yield {first: other}
        yield {second: other}
    else:
        yield {first: other}
        yield {second: one}


def _space(scene: Scene) -> float:
    """Seconds by which stated times must differ, so that what is true of one is false of the other."""
    return 1.15 * tolerance(scene)


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
