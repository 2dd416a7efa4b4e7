"""Laws of the split of queries and of adversary slots."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videopasta_assets.errors import UserError
from videopasta_assets.recipes.slots import AdversaryPolicy, adversary_slots, split_queries
from videopasta_assets.taxonomy import CATEGORIES, MODES, STRATEGIES, FailureMode

ids = st.text(min_size=1, max_size=20)
modes = st.sampled_from(MODES)
policies = st.sampled_from(("one_per_mode", "within_query_mode"))


@given(count=st.integers(0, 60), video_id=ids)
def test_an_even_split_sums_to_count_and_differs_by_at_most_one(count: int, video_id: str) -> None:
    wanted = split_queries(count, None, video_id)
    by_mode = Counter(mode for mode, _ in wanted)
    assert len(wanted) == count
    assert max(by_mode.values(), default=0) - min((by_mode[mode] for mode in MODES), default=0) <= 1
    assert wanted == split_queries(count, None, video_id)
    assert all(category in CATEGORIES[mode] for mode, category in wanted)


def test_ten_queries_are_four_three_three_and_every_mode_is_favoured_somewhere() -> None:
    favoured = set()
    for i in range(30):
        by_mode = Counter(mode for mode, _ in split_queries(10, None, f"video-{i}"))
        assert sorted(by_mode.values()) == [3, 3, 4]
        favoured.add(by_mode.most_common(1)[0][0])
    assert favoured == set(MODES)


def test_all_fifteen_categories_are_covered_over_videos() -> None:
    seen = {pair for i in range(20) for pair in split_queries(10, None, f"video-{i}")}
    assert seen == {(mode, category) for mode in MODES for category in CATEGORIES[mode]}


@given(counts=st.fixed_dictionaries({mode: st.integers(0, 12) for mode in MODES}), video_id=ids)
def test_counts_by_mode_are_kept_and_categories_repeat_only_when_they_must(
    counts: dict[FailureMode, int], video_id: str
) -> None:
    wanted = split_queries(sum(counts.values()), counts, video_id)
    for mode in MODES:
        categories = Counter(category for asked, category in wanted if asked is mode)
        assert categories.total() == counts[mode]
        assert max(categories.values(), default=0) == -(-counts[mode] // len(CATEGORIES[mode]))


def test_counts_that_do_not_add_up_are_the_users_mistake() -> None:
    with pytest.raises(UserError, match="sum to 4, not to 10"):
        split_queries(10, {FailureMode.SPATIAL: 4}, "v")


@given(query_id=ids, mode=modes, k=st.integers(1, 8), policy=policies)
def test_slots_are_numbered_deterministic_and_try_every_strategy_before_repeating(
    query_id: str, mode: FailureMode, k: int, policy: AdversaryPolicy
) -> None:
    slots = adversary_slots(query_id, mode, k, policy)
    assert slots == adversary_slots(query_id, mode, k, policy)
    assert [slot.slot for slot in slots] == list(range(k))
    for slot in slots:
        size = len(STRATEGIES[slot.mode])
        assert {slot.strategy(attempt) for attempt in range(size)} == set(STRATEGIES[slot.mode])
        assert slot.strategy(0) == slot.strategy(size)


@given(query_id=ids, mode=modes, k=st.integers(1, 4), policy=policies)
def test_more_slots_never_change_earlier_ones(
    query_id: str, mode: FailureMode, k: int, policy: AdversaryPolicy
) -> None:
    assert adversary_slots(query_id, mode, k + 1, policy)[:k] == adversary_slots(query_id, mode, k, policy)


@given(query_id=ids, mode=modes)
def test_one_per_mode_starts_with_the_querys_own_and_varies_the_strategy_of_a_second_round(
    query_id: str, mode: FailureMode
) -> None:
    slots = adversary_slots(query_id, mode, 5)
    assert slots[0].mode is mode
    assert {slot.mode for slot in slots[:3]} == set(MODES)
    assert [slot.mode for slot in slots[3:]] == [slot.mode for slot in slots[:2]]
    assert all(slots[i].strategy(0) != slots[i + 3].strategy(0) for i in range(2))


@given(query_id=ids, mode=modes)
def test_within_query_mode_keeps_the_mode_and_varies_the_strategy(query_id: str, mode: FailureMode) -> None:
    slots = adversary_slots(query_id, mode, 3, "within_query_mode")
    assert {slot.mode for slot in slots} == {mode}
    assert len({slot.strategy(0) for slot in slots}) == 3


def test_every_strategy_comes_first_for_some_query() -> None:
    first = {slot.strategy(0) for i in range(100) for slot in adversary_slots(f"q{i}", FailureMode.SPATIAL, 3)}
    assert first == {name for names in STRATEGIES.values() for name in names}


def test_impossible_slots_are_the_users_mistake() -> None:
    with pytest.raises(UserError, match="at least one adversary"):
        adversary_slots("q", FailureMode.SPATIAL, 0)
    with pytest.raises(UserError, match="no strategy for adversaries of mode 'temporal'"):
        adversary_slots("q", FailureMode.SPATIAL, 3, strategies={FailureMode.SPATIAL: ("all_visible",)})
