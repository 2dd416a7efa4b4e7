from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.training.test_unpaired import pair
from videopasta_assets.errors import UserError
from videopasta_assets.training.mixture import mix_pairs


def many(name: str, count: int) -> list:
    return [pair(number, video=name) for number in range(count)]


def source(pairs) -> Counter:
    return Counter(one.clip.video_id for one in pairs)


def test_timewarps_combined_set_in_small() -> None:
    sets = {"hound": many("hound", 170), "explicit": many("explicit", 150), "implicit": many("implicit", 150)}
    drawn = mix_pairs(sets, {"hound": 17, "explicit": 7.5, "implicit": 7.5}, seed=1)
    assert source(drawn) == {"hound": 170, "explicit": 75, "implicit": 75}
    assert drawn == mix_pairs(
        {name: pairs[::-1] for name, pairs in sets.items()}, {"hound": 17, "explicit": 7.5, "implicit": 7.5}, seed=1
    )


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcd"), st.tuples(st.integers(1, 30), st.floats(0.1, 10)), min_size=1),
    st.integers(0, 3),
)
def test_sizes_follow_the_ratios_and_nothing_is_drawn_twice(asked, seed: int) -> None:
    sets = {name: many(name, count) for name, (count, _) in asked.items()}
    ratios = {name: ratio for name, (_, ratio) in asked.items()}
    drawn = mix_pairs(sets, ratios, seed=seed)
    assert len({one.content_hash for one in drawn}) == len(drawn)
    for name, size in source(drawn).items():
        assert abs(size - len(drawn) * ratios[name] / sum(ratios.values())) < 1
    if len(sets) == 1:
        assert len(drawn) == len(next(iter(sets.values())))


def test_a_pair_of_two_sets_counts_for_the_first() -> None:
    drawn = mix_pairs(
        {"first": many("same", 6), "second": many("same", 6) + many("other", 6)}, {"first": 1, "second": 1}
    )
    assert source(drawn) == {"same": 6, "other": 6}


@pytest.mark.parametrize(
    ("ratios", "total", "sentence"),
    [
        ({"a": 1}, None, "do not match: b"),
        ({"a": 1, "b": 0}, None, "ratio 0"),
        ({"a": 1, "b": 1, "c": 1}, None, "do not match: c"),
        ({"a": 1, "b": 1}, 100, "50 pairs are to be drawn, it has 4"),
    ],
)
def test_a_mixture_that_cannot_be_is_one_sentence(ratios, total, sentence) -> None:
    with pytest.raises(UserError, match=sentence):
        mix_pairs({"a": many("a", 4), "b": many("b", 9)}, ratios, total=total)
