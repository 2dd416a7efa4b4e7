"""Retention arithmetic (VideoPASTA section 4, appendix A.3.1)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videopasta_assets.recipes.retention import attempt_acceptance, potential_pairs, slot_retention


def test_the_papers_figures() -> None:
    assert potential_pairs(3000, 10, 3) == 90_000
    assert slot_retention(7_020, 3000, 10, 3) == pytest.approx(0.078, abs=0)


@given(videos=st.integers(1, 50), queries=st.integers(1, 10), slots=st.integers(1, 5), data=st.data())
def test_acceptance_never_exceeds_retention_when_slots_are_tried_again(
    videos: int, queries: int, slots: int, data: st.DataObject
) -> None:
    places = potential_pairs(videos, queries, slots)
    accepted = data.draw(st.integers(0, places))
    attempts = data.draw(st.integers(places, 3 * places))
    retention, acceptance = slot_retention(accepted, videos, queries, slots), attempt_acceptance(accepted, attempts)
    assert retention is not None
    assert acceptance is not None
    assert 0 <= acceptance <= retention <= 1


def test_nothing_over_nothing_is_unknown() -> None:
    assert slot_retention(0, 0, 10, 3) is None
    assert attempt_acceptance(0, 0) is None


@pytest.mark.parametrize("accepted", [-1, 7])
def test_impossible_shares_are_refused(accepted: int) -> None:
    with pytest.raises(ValueError, match="no share"):
        attempt_acceptance(accepted, 6)
