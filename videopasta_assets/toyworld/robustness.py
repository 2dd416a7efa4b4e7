"""Questions that must be refused: about a thing that is not in the video, or with no right option among the options.

VideoPASTA's table 6 asks both of each model. Here each such probe has a control with the same question form in which
refusing is wrong, so a model that always refuses, or never does, gets none of a probe and its control both right.
"""

import random
from collections.abc import Callable
from typing import Final

from videopasta_assets.toyworld.claims import NAMES, Claim, Sentence
from videopasta_assets.toyworld.options import OPTIONS, Probe, distractors
from videopasta_assets.toyworld.questions import MODE_OF, Question, sample_question
from videopasta_assets.toyworld.scene import Scene

NONE_OF_THEM: Final = "None of the other options is true."
"""Unlike "none of the above" it stays true wherever it stands: its place is drawn, or the last option would be it."""

CONTROL: Final = "_control"

VACUOUS: Final = frozenset({"neither_end", "no_mark"})
"""Claims that one may also call true of a thing that is not there: no option of an unanswerable question may be one."""


def absence(name: str) -> str:
    """The option that refuses a question about `name`."""
    return f"There is no {name} in the video."


def unanswerable(scene: Scene, question: Question, rng: random.Random) -> Probe | None:
    """`question` asked about a colour that is not in the scene: the option that says so is right.

    None where the question names no thing, or too few of its answers presuppose that the thing is there.
    """
    found = _presupposing(scene, question, rng)
    if found is None or question.subject is None:
        return None
    colours = {thing.colour for thing in scene.things}
    stranger = rng.choice([name for name in NAMES if name.split()[0] not in colours])
    false = _texts([_renamed(option, question.subject, stranger) for option in rng.sample(found, OPTIONS - 1)])
    text = question.text.replace(question.subject, stranger)
    return _probe("unanswerable", question, text, absence(stranger), false, rng)


def unanswerable_control(scene: Scene, question: Question, rng: random.Random) -> Probe | None:
    """`question` as it is, with the option that its thing is not in the video, which is false."""
    found = _presupposing(scene, question, rng)
    if found is None or question.subject is None:
        return None
    answer, *wrong = _texts(found)
    others = [*wrong[: OPTIONS - 2], absence(question.subject)]
    return _probe("unanswerable_control", question, question.text, answer, others, rng)


def none_of_the_above(scene: Scene, question: Question, rng: random.Random) -> Probe | None:
    """Three false options, and the one that says that the others are; None where too few false ones are plausible."""
    wrong = distractors(scene, question.answer, rng)
    if wrong is None:
        return None
    return _probe("none_of_the_above", question, question.text, NONE_OF_THEM, _texts(wrong), rng)


def none_of_the_above_control(scene: Scene, question: Question, rng: random.Random) -> Probe | None:
    """The same options with the true one among them: now it is right."""
    wrong = distractors(scene, question.answer, rng)
    if wrong is None:
        return None
    answer, *others = _texts([question.answer, *wrong[: OPTIONS - 2]])
    return _probe("none_of_the_above_control", question, question.text, answer, [*others, NONE_OF_THEM], rng)


PROBES: Final[dict[str, Callable[[Scene, Question, random.Random], Probe | None]]] = {
    "unanswerable": unanswerable,
    f"unanswerable{CONTROL}": unanswerable_control,
    "none_of_the_above": none_of_the_above,
    f"none_of_the_above{CONTROL}": none_of_the_above_control,
}
"""What builds a probe of each kind; a kind's control has its name with `CONTROL` behind it."""


def draw_probe(scene: Scene, kind: str, rng: random.Random, attempts: int = 20) -> Probe | None:
    """A probe of `kind` about a question of a random category; None if none of `attempts` draws fits."""
    categories = list(MODE_OF)
    for _ in range(attempts):
        question = sample_question(scene, rng.choice(categories), rng)
        probe = PROBES[kind](scene, question, rng) if question is not None else None
        if probe is not None:
            return probe
    return None


def _presupposing(scene: Scene, question: Question, rng: random.Random) -> list[Claim] | None:
    """The answer, then false claims: none of them vacuous, all about the subject, which the question names."""
    if question.subject is None or question.subject not in question.text:
        return None
    found = [
        option
        for option in (question.answer, *(distractors(scene, question.answer, rng) or ()))
        if option.kind not in VACUOUS and dict(option.slots).get("x") == question.subject
    ]
    return found if len(found) >= OPTIONS - 1 and found[0] == question.answer else None


def _renamed(option: Claim, name: str, stranger: str) -> Claim:
    return option.replaced(**{slot: stranger for slot, value in option.slots if value == name})


def _texts(claims: list[Claim]) -> list[str]:
    return [Sentence(said).text for said in claims]


def _probe(kind: str, question: Question, text: str, answer: str, others: list[str], rng: random.Random) -> Probe:
    index = rng.randrange(OPTIONS)
    options = (*others[:index], answer, *others[index:])
    return Probe(kind, question.mode, question.category, text, options, index)
