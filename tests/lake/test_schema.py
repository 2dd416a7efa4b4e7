"""Columns that later versions add or drop: old rows read as null or as the default, and only the needed are redone."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from videopasta_assets.lake import TABLES, Address, Derivation, Lake, connect, reconcile
from videopasta_assets.lake.schema import Column, TableSchema

ADDRESS = Address("queries", "videopasta", "s000000")
OLD = TABLES["queries"]
TONE = Column("tone", pa.string(), "How the question sounds.")
CALM = replace(TONE, default="calm")
NOTE = replace(TONE, name="note", content=False)


def later(*columns: Column) -> TableSchema:
    return replace(OLD, own_columns=(*OLD.own_columns, *columns))


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    """A lake that this version wrote, read by a later version once a test has changed `TABLES`."""
    lake = Lake(tmp_path)
    lake.write(ADDRESS, [OLD.versioned({"row_key": "a", "provenance": "p", "query": "where?"})], {"stage": "1"})
    with lake.journal(ADDRESS) as journal:
        journal.append(OLD.versioned({"row_key": "b", "provenance": "p", "query": "when?"}))
    yield lake
    TABLES["queries"] = OLD


WANTED = [Derivation("a", "p"), Derivation("b", "p")]


def known(lake: Lake) -> list[dict[str, object]]:
    return [*lake.rows(ADDRESS), *lake.journal(ADDRESS).rows()]


def test_rows_without_a_new_content_column_read_as_null_and_are_computed_again(lake: Lake) -> None:
    TABLES["queries"] = later(TONE)
    assert lake.rows(ADDRESS)[0]["tone"] is None
    assert lake.rows(ADDRESS)[0]["query"] == "where?"
    assert lake.absent_columns(ADDRESS) == ("tone",)
    state = reconcile(WANTED, known(lake))
    assert [derivation.row_key for derivation in state.stale] == ["a"]
    assert [derivation.row_key for derivation in state.missing] == ["b"]  # the journal's row lacks it too


def test_a_manifest_without_a_needed_column_proves_nothing(lake: Lake) -> None:
    lake.write(ADDRESS, lake.rows(ADDRESS), {"stage": "1"}, {"videos": "v1"})
    TABLES["queries"] = replace(later(TONE), own_columns=(*OLD.own_columns[1:], TONE))  # as many columns as before
    manifest = lake.manifest(ADDRESS)
    assert manifest is not None
    assert manifest.inputs == {}
    TABLES["queries"] = later(NOTE)
    manifest = lake.manifest(ADDRESS)
    assert manifest is not None
    assert manifest.inputs == {"videos": "v1"}


def test_bookkeeping_that_is_new_costs_nothing(lake: Lake) -> None:
    TABLES["queries"] = later(NOTE)
    assert lake.rows(ADDRESS)[0]["note"] is None
    assert reconcile(WANTED, known(lake)).fresh
    assert lake.absent_columns(ADDRESS) == ()


def test_a_default_fills_old_rows_and_keeps_their_version(lake: Lake) -> None:
    version = lake.rows(ADDRESS)[0]["data_version"]
    TABLES["queries"] = later(CALM)
    row = lake.rows(ADDRESS)[0]
    assert row["tone"] == "calm"
    assert reconcile(WANTED, known(lake)).fresh
    assert [row["tone"] for row in lake.journal(ADDRESS).rows()] == ["calm"]
    assert TABLES["queries"].versioned(row)["data_version"] == version
    assert TABLES["queries"].versioned({**row, "tone": "shrill"})["data_version"] != version


def test_an_older_program_reads_past_columns_that_it_does_not_know(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    TABLES["queries"] = later(TONE)
    try:
        row = TABLES["queries"].versioned({"row_key": "a", "provenance": "p", "query": "where?", "tone": "calm"})
        lake.write(ADDRESS, [row], {})
        with lake.journal(ADDRESS) as journal:
            journal.append({**row, "row_key": "b"})
    finally:
        TABLES["queries"] = OLD
    assert "tone" not in lake.rows(ADDRESS)[0]
    assert ["tone" in row for row in lake.journal(ADDRESS).rows()] == [False]


@pytest.mark.parametrize(("column", "expected"), [(TONE, None), (CALM, "calm")])
def test_sql_sees_the_new_column_in_old_files_and_in_mixed_ones(lake: Lake, column: Column, expected: object) -> None:
    TABLES["queries"] = later(column)
    assert connect(lake).sql("SELECT tone FROM queries").fetchall() == [(expected,)]
    row = TABLES["queries"].versioned({"row_key": "c", "provenance": "p", "query": "why?", "tone": "shrill"})
    lake.write(Address("queries", "videopasta", "s000001"), [row], {})
    assert connect(lake).sql("SELECT tone FROM queries ORDER BY row_key").fetchall() == [(expected,), ("shrill",)]


def test_manifests_of_other_versions_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(tmp_path)
    real = json.dumps
    monkeypatch.setattr(json, "dumps", lambda value: real({**value, "of a later version": 1}))
    lake.write(ADDRESS, [], {"stage": "1"})
    monkeypatch.undo()
    manifest = lake.manifest(ADDRESS)
    assert manifest is not None
    assert manifest.spec == {"stage": "1"}
