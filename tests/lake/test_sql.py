"""SQL over the lake: every table is a view, full or empty."""

from pathlib import Path

import duckdb
import pytest

from videopasta_assets.lake import TABLES, Address, Lake, connect


def test_every_table_is_a_view_with_the_same_columns_full_or_empty(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    bare = connect(lake)
    empty = {name: bare.sql(f"DESCRIBE {name}").fetchall() for name in TABLES}
    for name, schema in TABLES.items():
        lake.write(Address(name, "videopasta", "s000000"), [schema.versioned({"row_key": "a"})], {})
    filled = connect(lake)
    full = {name: filled.sql(f"DESCRIBE {name}").fetchall() for name in TABLES}
    for name in TABLES:
        assert [column[:2] for column in full[name]] == [column[:2] for column in empty[name]]


def test_recipe_and_shard_are_columns(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    row = TABLES["queries"].versioned({"row_key": "a"})
    lake.write(Address("queries", "videopasta", "0001"), [row], {})
    lake.write(Address("queries", "timewarp", "s000002"), [row], {})
    found = connect(lake).sql("SELECT recipe, shard FROM queries ORDER BY ALL").fetchall()
    assert found == [("timewarp", "s000002"), ("videopasta", "0001")]


def test_columns_say_what_they_mean(tmp_path: Path) -> None:
    comments = connect(Lake(tmp_path)).sql(
        "SELECT comment FROM duckdb_columns() WHERE table_name = 'verified_pairs' AND column_name = 'chosen'"
    )
    assert comments.fetchall() == [("The aligned response.",)]


def test_a_view_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(duckdb.Error):
        connect(Lake(tmp_path)).execute("DELETE FROM queries")


def test_nothing_but_the_answer_is_printed(tmp_path: Path) -> None:
    with connect(Lake(tmp_path)) as connection:
        assert connection.execute("SELECT current_setting('enable_progress_bar')").fetchone() == (False,)
