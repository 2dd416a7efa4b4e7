"""What two answers disagree about, from their text alone."""

from videopasta_assets.taxonomy import FailureMode
from videopasta_assets.toyworld.claims import Claim, Sentence, parse_answer

SAME_SECOND = 1
"""Stated seconds that differ by at most this say the same."""


def contradicted_modes(aligned: str, adversary: str) -> frozenset[FailureMode] | None:
    """Modes in which the adversary says something incompatible with the aligned answer.

    Returns:
        The modes (empty: a rephrasal), or None when they cannot be compared: one does not parse, or the two are about
        different things.
    """
    first, second = parse_answer(aligned), parse_answer(adversary)
    if not first or len(first) != len(second):
        return None
    modes = set()
    for a, b in zip(first, second, strict=True):
        if a is None or b is None or a.core.mode is not b.core.mode or not same_topic(a.core, b.core):
            return None
        if not _compatible(a, b):
            modes.add(a.core.mode)
    return frozenset(modes)


def salient_mode(adversary: str, modes: frozenset[FailureMode]) -> FailureMode | None:
    """The mode that a blind judge should name when several differ: an opening phrase's, else the first sentence's."""
    sentences = [sentence for sentence in parse_answer(adversary) if sentence is not None]
    ordered = [sentence for sentence in sentences if sentence.prefix is not None] + sentences
    return next((sentence.core.mode for sentence in ordered if sentence.core.mode in modes), None)


_UNTITLED = {
    "closest",
    "farthest",
    "third",
    "first_flash",
    "cut",
    "setting",
    "stays",
    "changes",
    "announced",
    "no_mark",
}
"""Forms whose subject is part of what they claim, not what they are about."""


def same_topic(a: Claim, b: Claim) -> bool:
    """Whether two claims could answer the same question."""
    if a.kind in _UNTITLED or b.kind in _UNTITLED:
        return a.kind == b.kind or {a.kind, b.kind} in ({"stays", "changes"}, {"announced", "no_mark"})
    return dict(a.slots).get("x") == dict(b.slots).get("x")


def _compatible(a: Sentence, b: Sentence) -> bool:
    if b.prefix is not None and a.prefix != b.prefix:
        return False
    if a.core.kind != b.core.kind:
        return False
    for (name, one), (_, two) in zip(a.core.slots, b.core.slots, strict=True):
        if name in "sr":
            if abs(int(one) - int(two)) > SAME_SECOND:
                return False
        elif one != two:
            return False
    return True
