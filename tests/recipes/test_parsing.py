"""Query replies as real models write them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videopasta_assets.recipes.parsing import parse_queries

TWO = [
    {"query": "Which object hides the cup?", "category": "occlusion"},
    {"query": "What is nearest to the camera?", "category": "depth_perception"},
]


@pytest.mark.parametrize(
    "reply",
    [
        json.dumps(TWO),
        f"Here they are:\n```json\n{json.dumps(TWO, indent=2)}\n```\nAnything else?",
        f"<think>[1, 2] could work, or {{}}...</think>{json.dumps(TWO)}",
        json.dumps(TWO).replace("}]", "},]"),
        str(TWO),
        json.dumps(TWO)[:-1],
        json.dumps(TWO)[:-1] + ', {"query": "What is hid',
        json.dumps([item["query"] for item in TWO]),
        json.dumps([TWO[0], *TWO]),
    ],
    ids=[
        "plain",
        "fenced",
        "reasoning",
        "trailing comma",
        "single quotes",
        "unclosed",
        "cut off",
        "strings",
        "repeats",
    ],
)
def test_questions_are_found(reply: str) -> None:
    assert parse_queries(reply, "standard", wanted=2) == [item["query"] for item in TWO]


def test_no_more_than_wanted_and_of_the_wanted_category() -> None:
    assert parse_queries(json.dumps(TWO), "standard", wanted=1) == ["Which object hides the cup?"]
    assert parse_queries(json.dumps(TWO), "standard", 2, "depth_perception") == ["What is nearest to the camera?"]
    free = [
        {"query": "Which?", "category": "Depth Perception"},
        {"query": "Where?", "category": "miscellany"},
        {"query": "Who?"},
    ]
    assert parse_queries(json.dumps(free), "standard", 3, "depth_perception") == ["Which?", "Where?", "Who?"]


def test_the_compact_reply_is_the_question() -> None:
    assert parse_queries("  where is the\n red ball ?", "compact") == ["where is the red ball ?"]
    assert parse_queries(" \n", "compact") == []


@given(text=st.text(st.sampled_from('[]{}",:\\ntfq query') | st.characters(), max_size=80))
def test_any_reply_is_read_without_raising(text: str) -> None:
    assert len(parse_queries(text, "standard", wanted=3)) <= 3


@pytest.mark.parametrize("reply", ["", "I cannot see the video.", "[]", '{"a": 1}', "[1, null, {}]", "[" * 5000])
def test_no_question_is_an_empty_list(reply: str) -> None:
    assert parse_queries(reply, "standard", wanted=3) == []
