"""TimeWar's replies are read strictly; chance is computed, not quoted."""

import json
import random

import pytest

from videopasta_assets.recipes.timewar import (
    PAPER_RANDOM_GROUP,
    chance_scores,
    options_from_answers,
    parse_items,
    parse_number,
)

GOOD = {"question": "What is first?", "options": ["a cat", "a dog", "a cow", "a hen"], "answer": 2}


def test_items_are_whole_or_none() -> None:
    assert parse_items(json.dumps([GOOD, GOOD, GOOD]), 3) == [("What is first?", tuple(GOOD["options"]), 1)] * 3
    for broken in ({"answer": 5}, {"options": ["a", "b", "c"]}, {"options": ["a", "A", "b", "c"]}, {"question": " "}):
        assert parse_items(json.dumps([{**GOOD, **broken}]), 1) is None
    assert parse_items(json.dumps([GOOD]), 3) is None


@pytest.mark.parametrize(
    ("reply", "index"),
    [
        ("Answer: 2. a dog", 1),
        ("3", 2),
        ("It is a hen.", 3),
        ("2. a cow", None),
        ("a cat or a dog", None),
        ("9. nothing", None),
        ("", None),
    ],
)
def test_a_chosen_option(reply: str, index: int | None) -> None:
    assert parse_number(reply, GOOD["options"]) == index  # type: ignore[arg-type]


def test_options_are_four_different_answers_in_a_seeded_order() -> None:
    made = options_from_answers("red", "blue", ["Red.", "green", "grey", "pink"], 3)
    assert made is not None and sorted(made[0]) == ["blue", "green", "grey", "red"] and made[0][made[1]] == "red"
    assert made == options_from_answers("red", "blue", ["Red.", "green", "grey", "pink"], 3)
    assert options_from_answers("red", "red", ["blue", "green"], 3) is None


def test_chance_is_what_coin_flips_give() -> None:
    rng = random.Random(0)
    flips = [[rng.random() < 0.5 for _ in range(4)] for _ in range(20_000)]
    expected = chance_scores()
    assert sum(a and b for a, b, _, _ in flips) / 20_000 == pytest.approx(expected["text"], abs=0.015)
    assert sum(all(four) for four in flips) / 20_000 == pytest.approx(expected["group"], abs=0.01)
    assert expected["group"] != PAPER_RANDOM_GROUP
