"""The store: atomic files, manifests that match their rows, clear errors."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from videopasta_assets.errors import UserError
from videopasta_assets.lake import TABLES, Address, Lake
from videopasta_assets.lake.store import LakeError

QUERIES = TABLES["queries"]
ADDRESS = Address("queries", "videopasta", "s000000")


def query(key: str, text: str = "where is it?", **more: object) -> dict[str, object]:
    return QUERIES.versioned({"row_key": key, "provenance": "p", "query": text, **more})


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    rows = [query("b", "wo ist 'es'? \n\N{SNOWMAN}"), query("a", created_at=datetime(2026, 1, 2, tzinfo=UTC))]
    manifest = lake.write(ADDRESS, rows, {"model": "m@1"})
    assert lake.rows(ADDRESS) == sorted(rows, key=lambda row: str(row["row_key"]))
    assert lake.manifest(ADDRESS) == manifest
    assert (manifest.rows, manifest.errors, manifest.spec) == (2, 0, {"model": "m@1"})


def test_an_absent_shard_is_an_empty_table_of_the_right_schema(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    assert lake.read(ADDRESS).schema.names == QUERIES.arrow.names
    assert lake.manifest(ADDRESS) is None


def test_equal_content_gives_an_equal_data_version_whatever_it_cost(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    first = lake.write(ADDRESS, [query("a", seconds=1.0), query("b")], {"model": "old"})
    second = lake.write(ADDRESS, [query("b"), query("a", seconds=9.0)], {"model": "new"})
    assert first.data_version == second.data_version
    assert lake.write(ADDRESS, [query("a", "other"), query("b")], {}).data_version != first.data_version


def test_a_failed_write_leaves_the_old_shard_and_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lake = Lake(tmp_path)
    lake.write(ADDRESS, [query("a")], {})
    before = lake.path(ADDRESS).read_bytes()

    def full(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(LakeError, match="the disk is full"):
        lake.write(ADDRESS, [query("b")], {})
    assert lake.path(ADDRESS).read_bytes() == before
    assert [path.name for path in lake.path(ADDRESS).parent.iterdir()] == ["rows.parquet"]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    lake.write(ADDRESS, [query("a")], {})
    lake.path(ADDRESS).write_bytes(b"PAR1 not really")
    with pytest.raises(LakeError, match=r"rows\.parquet cannot be read"):
        lake.read(ADDRESS)


def test_a_newer_lake_is_refused(tmp_path: Path) -> None:
    (tmp_path / "lake.json").write_text(json.dumps({"version": 99}))
    with pytest.raises(UserError, match="newer than version"):
        Lake(tmp_path)


def test_a_file_in_the_place_of_the_lake_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "lake").write_text("in the way")
    with pytest.raises(LakeError, match="in the way"):
        Lake(tmp_path / "lake")


@pytest.mark.parametrize("part", ["../etc", "a b", "", "Ä", "a/b", "x" * 121])
def test_an_address_is_made_of_safe_words(part: str) -> None:
    with pytest.raises(ValueError, match="cannot be part"):
        Address("queries", "videopasta", part)


def test_a_row_with_an_unknown_column_is_refused() -> None:
    with pytest.raises(ValueError, match="no column 'colour'"):
        QUERIES.versioned({"row_key": "a", "colour": "red"})


def test_error_rows_of_one_key_have_one_version() -> None:
    first = QUERIES.versioned({"row_key": "a", "error": "time-out", "seconds": 3.0})
    second = QUERIES.versioned({"row_key": "a", "error": "refused"})
    assert first["data_version"] == second["data_version"] != query("a")["data_version"]
