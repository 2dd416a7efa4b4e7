"""Laws of balanced pairs."""

import random

import numpy as np

from videopasta_assets.recipes.text_balance import balanced_weights, effective_size, told_by_text

PLACES = ("top left", "top right", "bottom left", "bottom right")


def _pairs(count: int, tell: float, seed: int) -> list[tuple[str, str]]:
    """Answers that differ in a place; a share `tell` of the rejected says so in a phrase of its own."""
    rng = random.Random(seed)
    pairs = []
    for _ in range(count):
        true, false = rng.sample(PLACES, 2)
        opening = "In a flashback, it" if rng.random() < tell else "It"
        pairs.append((f"It is at the {true}.", f"{opening} is at the {false}."))
    return pairs


def test_a_phrase_of_one_side_tells_and_loses_its_weight() -> None:
    pairs = _pairs(300, 0.5, 0)
    weights = balanced_weights(pairs)
    telling = np.array(["flashback" in rejected for _, rejected in pairs])
    assert told_by_text(pairs) > 0.65
    assert weights[telling].mean() < 0.05 * weights[~telling].mean()
    assert abs(weights.mean() - 1) < 1e-9
    assert told_by_text([pair for pair, told in zip(pairs, telling, strict=True) if not told]) < 0.62


def test_an_uneven_preference_of_words_is_evened_out() -> None:
    rng = random.Random(1)
    pairs = []
    for _ in range(200):
        one, other = ("visible", "hidden") if rng.random() < 0.8 else ("hidden", "visible")
        pairs.append((f"It is {one}.", f"It is {other}."))
    weights = balanced_weights(pairs)
    visible = np.array(["visible" in chosen for chosen, _ in pairs])
    assert 0.9 < weights[visible].sum() / weights[~visible].sum() < 1.2
    assert effective_size(weights) < len(pairs)


def test_without_pairs_or_words_there_is_nothing_to_balance() -> None:
    assert len(balanced_weights([])) == 0
    assert balanced_weights([("a", "b")]).tolist() == [1.0]
    assert told_by_text([]) == 0.5
