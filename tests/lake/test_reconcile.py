"""Laws of reconciliation: what a shard should hold against what it holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videopasta_assets.lake import Derivation, Row, reconcile

keys = st.text("abcdef", min_size=1, max_size=3)
versions = st.sampled_from(["p1", "p2"])
wanted_maps = st.dictionaries(keys, versions, max_size=12)
held_maps = st.dictionaries(keys, st.tuples(versions, st.booleans()), max_size=12)


def derivations(wanted: dict[str, str]) -> list[Derivation]:
    return [Derivation(key, provenance) for key, provenance in wanted.items()]


def rows(held: dict[str, tuple[str, bool]]) -> list[Row]:
    return [
        {"row_key": key, "provenance": provenance, "error": "broken" if failed else None}
        for key, (provenance, failed) in held.items()
    ]


@given(wanted_maps, held_maps, st.booleans())
def test_every_wanted_row_is_either_reused_or_computed_and_never_both(wanted, held, retry):
    state = reconcile(derivations(wanted), rows(held), retry_failed=retry)
    reused = [row["row_key"] for row in state.reused]
    computed = [derivation.row_key for derivation in state.to_compute]
    assert sorted(reused + computed) == sorted(wanted)


@given(wanted_maps, held_maps)
def test_dropped_rows_are_exactly_those_no_longer_wanted(wanted, held):
    assert set(reconcile(derivations(wanted), rows(held)).dropped) == set(held) - set(wanted)


@given(wanted_maps, held_maps, st.booleans())
def test_only_equal_provenance_is_reused(wanted, held, retry):
    for row in reconcile(derivations(wanted), rows(held), retry_failed=retry).reused:
        assert row["provenance"] == wanted[row["row_key"]]
        assert not (retry and row["error"])


@given(wanted_maps)
def test_what_was_just_computed_is_fresh(wanted):
    held = [{"row_key": key, "provenance": provenance, "error": None} for key, provenance in wanted.items()]
    assert reconcile(derivations(wanted), held).fresh


def test_failed_rows_are_work_only_when_they_are_retried():
    wanted = [Derivation("a", "p")]
    held = [{"row_key": "a", "provenance": "p", "error": "time-out"}]
    assert reconcile(wanted, held).fresh
    assert reconcile(wanted, held, retry_failed=True).failed == (wanted[0],)


def test_a_later_row_wins():
    held = [
        {"row_key": "a", "provenance": "old", "error": None},
        {"row_key": "a", "provenance": "new", "error": None},
    ]
    assert reconcile([Derivation("a", "new")], held).fresh


def test_two_derivations_of_one_key_are_refused():
    with pytest.raises(ValueError, match="share a row_key"):
        reconcile([Derivation("a", "p"), Derivation("a", "q")], [])
