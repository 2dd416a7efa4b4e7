import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from videopasta_assets.evaluation import ItemOutcome, Metric, compare
from videopasta_assets.evaluation.scoring import mcnemar

_pairs = st.lists(st.tuples(st.sampled_from("abcde"), st.booleans(), st.booleans()), min_size=1, max_size=30)


def sides(rows):
    base = [ItemOutcome(video, before, True) for video, before, _ in rows]
    return base, [ItemOutcome(video, after, True) for video, _, after in rows]


@given(_pairs)
def test_accuracies_and_their_difference(rows) -> None:
    base, tuned = sides(rows)
    result = compare(base, tuned, samples=50)
    assert result.base_accuracy == pytest.approx(np.mean([before for _, before, _ in rows]))
    assert result.tuned_accuracy == pytest.approx(np.mean([after for *_, after in rows]))
    assert result.difference == pytest.approx(result.tuned_accuracy - result.base_accuracy)
    assert -1 <= result.low <= result.high <= 1


@given(_pairs, st.integers(0, 9))
def test_swapping_the_models_mirrors_the_interval_and_a_seed_repeats_it(rows, seed) -> None:
    base, tuned = sides(rows)
    forth, back = compare(base, tuned, samples=101, seed=seed), compare(tuned, base, samples=101, seed=seed)
    assert (forth.low, forth.high) == pytest.approx((-back.high, -back.low))
    assert compare(base, tuned, samples=101, seed=seed) == forth


def test_equal_models_differ_by_nothing() -> None:
    base, _ = sides([("a", True, True), ("b", False, False)])
    result = compare(base, base)
    assert (result.low, result.difference, result.high) == (0, 0, 0)


def test_items_of_one_video_are_drawn_together() -> None:
    """Ten copies of each item say no more than one: the interval must not shrink as if they were independent."""
    rng = np.random.default_rng(0)
    rows = [(f"v{video:02}", bool(rng.random() < 0.5), bool(rng.random() < 0.7)) for video in range(30)]
    single, copied = compare(*sides(rows)), compare(*sides([row for row in rows for _ in range(10)]))
    assert (copied.low, copied.high) == pytest.approx((single.low, single.high))


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    hits = 0
    for trial in range(200):
        rows = []
        for video in range(40):
            gain = rng.choice([-1, 0, 1], p=[0.1, 0.6, 0.3])  # shared by a video's items; the truth is +0.2
            rows += [(f"v{video}", gain < 0, gain > 0) for _ in range(3)]
        result = compare(*sides(rows), samples=400, seed=trial)
        hits += result.low <= 0.2 <= result.high
    assert 0.88 <= hits / 200 <= 0.99


def test_parse_rates_are_reported_and_unequal_sides_refused() -> None:
    base = [ItemOutcome("a", False, False), ItemOutcome("b", True, True)]
    assert compare(base, base).base_parse_rate == 0.5
    with pytest.raises(ValueError, match="same items"):
        compare(base, base[:1])
    with pytest.raises(ValueError, match="at least one"):
        compare([], [])


def outcomes(*right: bool, **about: list[str]) -> list[ItemOutcome]:
    names = about.get("groups", [""] * len(right))
    strata = about.get("strata", [""] * len(right))
    return [
        ItemOutcome(f"v{place}", correct, True, group, stratum)
        for place, (correct, group, stratum) in enumerate(zip(right, names, strata, strict=True))
    ]


def test_a_group_is_right_when_all_of_it_is() -> None:
    groups = ["0", "0", "1", "1"]
    found = compare(
        outcomes(True, False, False, False, groups=groups),
        outcomes(True, True, True, False, groups=groups),
        metric=Metric("group score", grouped=True),
    )
    assert (found.items, found.units, found.base_accuracy, found.tuned_accuracy) == (4, 2, 0.0, 0.5)
    assert (found.fixed, found.broken) == (1, 0)


def test_a_macro_score_is_the_mean_over_parts() -> None:
    strata = ["order", "count", "count", "count"]
    right = outcomes(True, False, False, True, strata=strata)
    found = compare(right, right, metric=Metric("macro", macro_over="task"))
    assert found.base_accuracy == pytest.approx((1 + 1 / 3) / 2)
    assert compare(right, right).base_accuracy == 0.5
    assert (found.low, found.difference, found.high, found.p_value) == (0, 0, 0, 1)


@pytest.mark.parametrize(
    ("fixed", "broken", "p_value"), [(0, 0, 1.0), (1, 0, 1.0), (5, 0, 0.0625), (10, 2, 0.03857421875), (2000, 2000, 1)]
)
def test_mcnemar_is_the_binomial_test_of_the_changes(fixed: int, broken: int, p_value: float) -> None:
    assert mcnemar(fixed, broken) == pytest.approx(p_value)
    assert mcnemar(broken, fixed) == mcnemar(fixed, broken)
