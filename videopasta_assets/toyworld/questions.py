"""Questions of the fifteen categories about a scene, with the true answer of each.

An answer has one sentence for each failure mode, the question's own first: so an error of any mode can be put into it
while it still answers the question.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

from videopasta_assets.taxonomy import CATEGORIES, FailureMode
from videopasta_assets.toyworld.claims import EDGES, GROUNDS, NUMBERS, C, Claim, S, Sentence, T, claim, place_name
from videopasta_assets.toyworld.facts import closest, end_place, event_times, farthest, hider, opening, seconds
from videopasta_assets.toyworld.scene import COLOURS, SIZES, Scene, Thing

MODE_OF: dict[str, FailureMode] = {category: mode for mode, names in CATEGORIES.items() for category in names}


@dataclass(frozen=True)
class Question:
    """A question: its text, the main claim that answers it, and whom it is about (None: the whole video)."""

    category: str
    text: str
    answer: Claim
    subject: str | None

    @property
    def mode(self) -> FailureMode:
        return MODE_OF[self.category]


Candidate = tuple[str, Question]
"""The answer's class (questions are balanced over it) and the question."""


def candidates(scene: Scene, category: str) -> list[Candidate]:
    """Every question of the category that fits the scene."""
    return [
        (label, Question(category, text, answer, subject))
        for label, text, answer, subject in _BUILDERS[category](scene)
    ]


def sample_question(scene: Scene, category: str, rng: random.Random) -> Question | None:
    """A question whose answer class is drawn first, uniformly over the classes that this scene offers."""
    found = candidates(scene, category)
    if not found:
        return None
    label = rng.choice(sorted({label for label, _ in found}))
    return rng.choice([question for found_label, question in found if found_label == label])


def true_answer(scene: Scene, question: Question) -> tuple[Sentence, ...]:
    """The truthful answer: own mode first, then one sentence for each other mode."""
    thing = next((thing for thing in scene.things if thing.name == question.subject), None)
    sentences = [Sentence(question.answer)]
    for mode in (S, T, C):
        if mode is not question.mode:
            sentences.append(Sentence(context(scene, thing, mode)))
    return tuple(sentences)


def context(scene: Scene, thing: Thing | None, mode: FailureMode) -> Claim:
    """The plain true claim of a mode about a thing, or about the whole video."""
    if mode is C:
        return setting_claim(scene)
    if thing is None:
        if mode is S:
            near = closest(scene)
            return claim("closest", x=near.name, p=place_name(near.start_place))
        return claim("first_flash", s=seconds(min(thing.flash for thing in scene.things)))
    if mode is S:
        return claim("starts", x=thing.name, p=place_name(thing.start_place))
    return claim("flashes", x=thing.name, s=seconds(thing.flash))


def setting_claim(scene: Scene) -> Claim:
    if len(scene.settings) == 1:
        return claim("stays", a=scene.settings[0])
    return claim("changes", a=scene.settings[0], b=scene.settings[1])


_Found = list[tuple[str, str, Claim, str | None]]


def _place(thing: Thing) -> str:
    return place_name(thing.start_place)


def _occlusion(scene: Scene) -> _Found:
    found: _Found = []
    for thing in opening(scene):
        front = hider(scene, thing)
        text = f"Is the {thing.name} hidden at the start?"
        if front is None:
            found.append(("visible", text, claim("visible", x=thing.name, p=_place(thing)), thing.name))
        else:
            found.append(("hidden", text, claim("hidden", x=thing.name, y=front.name, p=_place(thing)), thing.name))
    return found


def _depth(scene: Scene) -> _Found:
    near, far = closest(scene), farthest(scene)
    return [
        ("near", "Which object is closest?", claim("closest", x=near.name, p=_place(near)), near.name),
        ("far", "Which object is farthest?", claim("farthest", x=far.name, p=_place(far)), far.name),
    ]


def _relative(scene: Scene) -> _Found:
    found: _Found = []
    for x in opening(scene):
        for y in opening(scene):
            if x.start_place[1] != y.start_place[1]:
                side = "left of" if x.start_place[1] < y.start_place[1] else "right of"
                answer = claim("side", x=x.name, p=_place(x), o=side, y=y.name, q=_place(y))
                found.append((side, f"Is the {x.name} left or right of the {y.name}?", answer, x.name))
    for half, column in (("left", 0), ("right", 2)):
        count = NUMBERS[sum(thing.start_place[1] == column for thing in opening(scene))]
        text = f"How many objects start in the {half} third?"
        label = count if count in ("none", "one") else "many"
        found.append((label, text, claim("third", n=count, h=half), None))
    return found


def _ground(scene: Scene) -> _Found:
    return [
        (
            thing.size,
            f"Is the {thing.name} in the foreground or the background?",
            claim("ground", x=thing.name, g=GROUNDS[SIZES.index(thing.size)], p=_place(thing)),
            thing.name,
        )
        for thing in scene.things
    ]


def _layout(scene: Scene) -> _Found:
    return [
        (
            EDGES[thing.start_place[0]],
            f"Is the {thing.name} along the top or the bottom edge?",
            claim("edge", x=thing.name, e=EDGES[thing.start_place[0]], p=_place(thing)),
            thing.name,
        )
        for thing in scene.things
    ]


def _pairs(scene: Scene) -> list[tuple[Thing, Thing]]:
    return [(x, y) for x in scene.things for y in scene.things if x is not y]


def _ordering(scene: Scene) -> _Found:
    found: _Found = []
    for x, y in _pairs(scene):
        if x.flash != y.flash:
            kind = "before" if x.flash < y.flash else "after"
            answer = claim(kind, x=x.name, s=seconds(x.flash), y=y.name, r=seconds(y.flash))
            found.append((kind, f"Does the {x.name} flash before or after the {y.name}?", answer, x.name))
    return found


def _boundaries(scene: Scene) -> _Found:
    found: _Found = []
    for x, y in _pairs(scene):
        end = x.flash + scene.slot
        if abs(end - y.flash) >= 0.4 * scene.slot:
            kind = "ends_before" if end < y.flash else "ends_after"
            answer = claim(kind, x=x.name, s=seconds(end), y=y.name, r=seconds(y.flash))
            found.append((kind, f"Does the {x.name} stop flashing before the {y.name} starts?", answer, x.name))
    return found


def _transitions(scene: Scene) -> _Found:
    found: _Found = []
    for thing in scene.things:
        for verb, bare in (("jumps", "jump"), ("enters", "enter"), ("leaves", "leave"), ("returns", "return")):
            times = event_times(thing, verb)
            if times:
                answer = claim("happens", x=thing.name, v=verb, s=seconds(times[0]))
                first = " first" if verb == "jumps" else ""
                found.append((verb, f"When does the {thing.name}{first} {bare}?", answer, thing.name))
    if scene.cut is not None:
        found.append(("cut", "When does the setting change?", claim("cut", s=seconds(scene.cut)), None))
    return found


def _causality(scene: Scene) -> _Found:
    found: _Found = []
    for thing in scene.things:
        text = f"Why does the {thing.name} flash?"
        cause = scene.thing(thing.caused_by) if thing.caused_by else None
        s = seconds(thing.flash)
        if cause is not None:
            found.append(("touched", text, claim("touched", x=thing.name, s=s, y=cause.name), thing.name))
        else:
            found.append(("alone", text, claim("alone", x=thing.name, s=s), thing.name))
    return found


def _concurrent(scene: Scene) -> _Found:
    found: _Found = []
    for x, y in _pairs(scene):
        text = f"Do the {x.name} and the {y.name} flash together?"
        if x.flash == y.flash:
            found.append(
                (
                    "together",
                    text,
                    claim("together", x=x.name, y=y.name, s=seconds(x.flash), r=seconds(y.flash)),
                    x.name,
                )
            )
        else:
            answer = claim("apart", x=x.name, s=seconds(x.flash), y=y.name, r=seconds(y.flash))
            found.append(("apart", text, answer, x.name))
    return found


def continuity_claim(scene: Scene, thing: Thing) -> Claim:
    """Where it is at the start and at the end."""
    kinds = {"throughout": "both_ends", "returns": "both_ends", "leaves": "only_start", "enters": "only_end"}
    return claim(kinds[thing.presence], x=thing.name, p=_place(thing), q=place_name(end_place(scene, thing)))


def persistence_claim(scene: Scene, thing: Thing) -> Claim:
    """When it is there."""
    kinds = {"throughout": "never_leaves", "returns": "comes_back", "leaves": "gone", "enters": "late"}
    times = [seconds(time) for span in thing.spans for time in span if 0 < time < scene.duration]
    return claim(kinds[thing.presence], x=thing.name, **dict(zip("sr", times, strict=False)))


def path_claim(thing: Thing) -> Claim:
    """The cells that it is in, one after the other, and so how often it jumps."""
    path = [place_name(place) for place in (thing.start_place, *(jump.to for jump in thing.jumps))]
    kind = ("never_jumps", "jumps_once", "jumps_twice")[len(thing.jumps)]
    return claim(kind, x=thing.name, **dict(zip("pqt", path, strict=False)))


def mark_claim(scene: Scene, thing: Thing) -> Claim:
    kind = "announced" if scene.mark == thing.colour else "no_mark"
    return claim(kind, x=thing.name, m=scene.mark or "missing")


def _continuity(scene: Scene) -> _Found:
    return [
        (
            (answer := continuity_claim(scene, thing)).kind,
            f"Is the {thing.name} there at the start and at the end?",
            answer,
            thing.name,
        )
        for thing in scene.things
    ]


def _persistence(scene: Scene) -> _Found:
    return [
        (
            thing.presence,
            f"Does the {thing.name} leave and come back?",
            persistence_claim(scene, thing),
            thing.name,
        )
        for thing in scene.things
    ]


def _setting(scene: Scene) -> _Found:
    return [(str(len(scene.settings)), "How does the setting change?", setting_claim(scene), None)]


def _repetition(scene: Scene) -> _Found:
    return [
        (str(len(thing.jumps)), f"How often does the {thing.name} jump?", path_claim(thing), thing.name)
        for thing in scene.things
    ]


def _foreshadowing(scene: Scene) -> _Found:
    def label(thing: Thing) -> str:
        # A mark of another colour is two classes, of two colours each: two of the four options are of that kind.
        if scene.mark in (None, thing.colour):
            return "missing" if scene.mark is None else "announced"
        return f"other {((COLOURS.index(scene.mark) - COLOURS.index(thing.colour)) % len(COLOURS) - 1) // 2}"

    return [
        (label(thing), f"Does the opening mark announce the {thing.name}?", mark_claim(scene, thing), thing.name)
        for thing in scene.things
    ]


_BUILDERS: dict[str, Callable[[Scene], _Found]] = {
    "occlusion": _occlusion,
    "depth_perception": _depth,
    "relative_positioning": _relative,
    "foreground_background": _ground,
    "frame_layout": _layout,
    "event_ordering": _ordering,
    "action_boundaries": _boundaries,
    "transition_points": _transitions,
    "causality": _causality,
    "concurrent_actions": _concurrent,
    "object_continuity": _continuity,
    "character_persistence": _persistence,
    "setting_change": _setting,
    "action_repetition": _repetition,
    "foreshadowing": _foreshadowing,
}
