"""A guesser that reads the items and never looks must stay near chance."""

import pytest

from videopasta_assets.oracle.blind import CHANCE, BlindScore, blind_scores, item_sets
from videopasta_assets.taxonomy import MODES
from videopasta_assets.toyworld.questions import MODE_OF

OVERALL_TOLERANCE = 0.04
MODE_TOLERANCE = 0.06
CATEGORY_TOLERANCE = 0.17
"""Three standard errors of the hundred and forty items that most categories have here; a few have fewer."""


@pytest.fixture(scope="module")
def scores() -> dict[str, BlindScore]:
    teaching, asked = item_sets("validation", 11, 240, 9), item_sets("benchmark", 12, 160, 9)
    return {score.scope: score for score in blind_scores(teaching, asked)}


def test_it_is_near_chance_over_all_in_every_mode_and_category(scores: dict[str, BlindScore]) -> None:
    assert scores["all"].items > 1200
    assert abs(scores["all"].accuracy - CHANCE) < OVERALL_TOLERANCE
    assert all(abs(scores[mode].accuracy - CHANCE) < MODE_TOLERANCE for mode in MODES)
    assert all(abs(scores[category].accuracy - CHANCE) < CATEGORY_TOLERANCE for category in MODE_OF)


def test_a_probe_with_its_control_is_at_most_a_toss_up(scores: dict[str, BlindScore]) -> None:
    for kind in ("unanswerable", "none_of_the_above"):
        assert scores[f"{kind} and control"].accuracy < 0.62


def test_it_would_find_a_leak() -> None:
    items = [item for item in item_sets("validation", 11, 60, 9) if item.category == "causality"]

    own = [item for item in items if "on its own" in item.answer]
    assert next(s for s in blind_scores(own, own) if s.scope == "causality").accuracy > 0.45
