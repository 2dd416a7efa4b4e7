"""Verdict replies and the status that follows from them."""

import json
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videopasta_assets.recipes.answer_text import same_answer
from videopasta_assets.recipes.verdict import ParsedVerdict, parse_verdict, verdict_schema, verdict_status
from videopasta_assets.taxonomy import VerdictStatus

GOOD = {
    "preferred_ok": True,
    "is_contradiction": True,
    "is_rephrase": False,
    "mode_specific": True,
    "reason": "The sides are swapped.",
}
ALIGNED, ADVERSARY = "The cup is left of the plate.", "The cup is right of the plate."


@pytest.mark.parametrize(
    "reply",
    [
        json.dumps(GOOD),
        f"Sure!\n```json\n{json.dumps(GOOD, indent=1)}\n```",
        json.dumps(GOOD).replace('"}', '",}'),
        str(GOOD),
        json.dumps({**GOOD, "preferred_ok": "yes", "is_rephrase": 0}),
        f"<think>{{maybe}}</think> {json.dumps(GOOD)} done",
    ],
    ids=["plain", "fenced", "trailing comma", "python", "words", "reasoning"],
)
def test_a_verdict_is_read(reply: str) -> None:
    assert parse_verdict(reply) == ParsedVerdict(True, True, False, True, "The sides are swapped.")


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "accepted",
        "{}",
        "[true]",
        json.dumps({**GOOD, "mode_specific": None}),
        json.dumps({**GOOD, "is_rephrase": "perhaps"}),
    ],
)
def test_half_a_verdict_is_none(reply: str) -> None:
    assert parse_verdict(reply) is None
    assert verdict_status(None, ALIGNED, ADVERSARY)[0] is VerdictStatus.REJECTED_PARSE


@given(text=st.text(max_size=100))
def test_any_reply_is_read_without_raising(text: str) -> None:
    parse_verdict(text)


def test_the_schema_asks_for_what_the_parser_needs() -> None:
    for style, first in (("standard", "preferred_ok"), ("compact", "reason")):
        assert set(verdict_schema(style)["required"]) == set(GOOD)
        assert next(iter(verdict_schema(style)["properties"])) == first


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({}, VerdictStatus.ACCEPTED),
        ({"preferred_ok": False, "is_rephrase": True}, VerdictStatus.REJECTED_PREFERRED),
        ({"is_rephrase": True, "is_contradiction": False}, VerdictStatus.REJECTED_SIMILAR),
        ({"is_contradiction": False, "mode_specific": False}, VerdictStatus.REJECTED_NO_CONTRADICTION),
        ({"mode_specific": False}, VerdictStatus.REJECTED_OFF_MODE),
    ],
)
def test_the_first_fault_decides(change: dict[str, Any], status: VerdictStatus) -> None:
    assert verdict_status(ParsedVerdict(**{**GOOD, **change}), ALIGNED, ADVERSARY) == (status, GOOD["reason"])


def test_only_one_of_sixteen_verdicts_accepts_and_every_status_has_a_reason() -> None:
    outcomes = [
        verdict_status(ParsedVerdict(*flags, ""), ALIGNED, ADVERSARY) for flags in product((True, False), repeat=4)
    ]
    assert sum(status is VerdictStatus.ACCEPTED for status, _ in outcomes) == 1
    assert all(reason for _, reason in outcomes)


def test_what_needs_no_verifier_overrules_it() -> None:
    yes = ParsedVerdict(**GOOD)
    assert verdict_status(yes, "The cup is red.", "the cup is RED")[0] is VerdictStatus.REJECTED_SIMILAR
    assert verdict_status(yes, "...", ADVERSARY)[0] is VerdictStatus.REJECTED_PREFERRED
    assert verdict_status(yes, ALIGNED, " ")[0] is VerdictStatus.REJECTED_NO_CONTRADICTION


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("Two cups aren't visible.", "2 cups are not visible", True),
        ("The dog runs, then a cat jumps!", "dog runs then the cat jumps", True),
        ("It\N{RIGHT SINGLE QUOTATION MARK}s red", "it is red", True),
        ("The cat is left of the dog", "The cat is right of the dog", False),
        ("The cat enters before the dog", "The dog enters before the cat", False),
        ("Three cups", "Four cups", False),
    ],
)
def test_same_answer(first: str, second: str, same: bool) -> None:
    assert same_answer(first, second) is same


@given(text=st.text(max_size=60))
def test_every_answer_is_the_same_as_itself_in_capitals_with_full_stop(text: str) -> None:
    assert same_answer(text, f" {text} .")


@pytest.mark.parametrize(
    ("first", "second", "same"),
    [
        ("It flashes at 7 s.", "it flashes at 8 s", True),
        ("It flashes at 7 seconds.", "It flashes at 9 seconds.", False),
        ("It jumps 2 times.", "It jumps 3 times.", False),
        ("There are 3 at 7 s.", "There are 4 at 7 s.", False),
        ("It flashes at 7 s.", "It flashes at 7 s, before it.", False),
    ],
)
def test_seconds_may_be_near_and_other_numbers_not(first: str, second: str, same: bool) -> None:
    assert same_answer(first, second, seconds=1.0) is same
