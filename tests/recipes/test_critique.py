"""Critiques are read strictly, and their language stays out of answers."""

import pytest

from videopasta_assets.recipes.critique import parse_critique, revised_text, speaks_of_critique
from videopasta_assets.taxonomy import FailureMode

ERROR = '{"type": "Object-Hallucination", "evidence": "no dog", "correction": "a cat"}'


@pytest.mark.parametrize(
    ("reply", "types"),
    [
        (f'{{"has_error": true, "errors": [{ERROR}]}}', ["object_hallucination"]),
        (
            f'Sure!\n```json\n{{"has_error": true, "errors": [{ERROR}, {{"type": "style"}}]}}\n```',
            ["object_hallucination"],
        ),
        ('{"has_error": false, "errors": []}', []),
        (f'{{"has_error": false, "errors": [{ERROR}]}}', []),
        ('{"has_error": true, "errors": [{"type": "style"}]}', None),
        ('{"has_error": true, "errors": []}', None),
        ("All is well.", None),
    ],
)
def test_a_standard_critique(reply: str, types: list[str] | None) -> None:
    critique = parse_critique(reply, "standard", FailureMode.SPATIAL, "The dog runs.")
    assert (None if critique is None else [error.type for error in critique.errors]) == types


@pytest.mark.parametrize(
    ("reply", "types"),
    [
        ("the cup falls at 3 s", []),
        ("The cup falls at 4 s.", []),
        ("The cup falls at 7 s.", ["temporal_ordering"]),
        (" ", None),
    ],
)
def test_a_compact_critique_is_the_considered_answer(reply: str, types: list[str] | None) -> None:
    critique = parse_critique(reply, "compact", FailureMode.TEMPORAL, "The cup falls at 3 s.")
    assert (None if critique is None else [error.type for error in critique.errors]) == types
    assert critique is None or all(error.correction == reply for error in critique.errors)


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("Revised answer: The cup falls.", "The cup falls."),
        ("Here is the corrected response - The cup falls.", "The cup falls."),
        ("<think>the draft is wrong</think>The cup falls.", "The cup falls."),
        ("The new answer machine rings.", "The new answer machine rings."),
    ],
)
def test_lead_ins_go(reply: str, answer: str) -> None:
    assert revised_text(reply) == answer


@pytest.mark.parametrize(
    ("answer", "leaks"),
    [
        ("As the critique says, the cup falls.", True),
        ("The initial answer was wrong: the cup falls.", True),
        ("I apologize, the cup falls.", True),
        ("The man first answers the phone, then the door.", False),
        ("The initial position is left of the lamp.", False),
    ],
)
def test_language_of_the_critique_is_found(answer: str, leaks: bool) -> None:
    assert speaks_of_critique(answer) is leaks
