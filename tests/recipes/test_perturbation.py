"""Perturbations: half and half, one coin for the frames, and a function of the row's seed alone."""

from collections import Counter

from videopasta_assets.recipes.perturbation import PROMPTS, draw_perturbation


def test_shares_are_half_and_a_quarter_each() -> None:
    drawn = [draw_perturbation(seed, 0.5, 0.5, 0.3) for seed in range(4000)]
    counts = Counter(one.kind for one in drawn)
    assert abs(counts["prompt"] / 4000 - 0.5) < 0.03
    assert abs(counts["resize"] / 4000 - 0.25) < 0.03 and abs(counts["colour"] / 4000 - 0.25) < 0.03
    assert {one.prompt for one in drawn if one.prompt} == set(PROMPTS)
    assert all(0.5 <= one.brightness <= 1.5 and -0.3 <= one.hue <= 0.3 for one in drawn)
    assert drawn == [draw_perturbation(seed, 0.5, 0.5, 0.3) for seed in range(4000)]


def test_a_share_of_all_or_nothing() -> None:
    assert all(draw_perturbation(seed, 1.0, 0.5, 0.3).prompt for seed in range(50))
    assert not any(draw_perturbation(seed, 0.0, 0.5, 0.3).prompt for seed in range(50))
