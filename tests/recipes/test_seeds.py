"""Seeds of requests."""

from hypothesis import given
from hypothesis import strategies as st

from videopasta_assets.recipes.seeds import request_seed, rotation


@given(base=st.integers(), parts=st.lists(st.one_of(st.text(), st.integers())))
def test_a_seed_is_stable_and_fits_31_bits(base: int, parts: list[str | int]) -> None:
    assert request_seed(base, *parts) == request_seed(base, *parts)
    assert 0 <= request_seed(base, *parts) < 2**31


def test_seeds_differ_by_row_and_by_run_and_never_change() -> None:
    seeds = {
        request_seed(base, query, slot, attempt)
        for base in (0, 1)
        for query in ("q", "r")
        for slot in range(3)
        for attempt in range(3)
    }
    assert len(seeds) == 36
    assert request_seed(0, "q", 1, 2) == 1_701_721_182


def test_a_rotation_reaches_every_place() -> None:
    assert {rotation(5, "video", i) for i in range(60)} == set(range(5))
