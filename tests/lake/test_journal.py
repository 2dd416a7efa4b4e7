"""The journal: finished rows survive a kill, a torn line does not matter."""

from datetime import UTC, datetime
from pathlib import Path

from videopasta_assets.lake import TABLES
from videopasta_assets.lake.journal import Journal

SCHEMA = TABLES["queries"]


def row(key: str) -> dict[str, object]:
    return SCHEMA.versioned({"row_key": key, "query": "q\n", "created_at": datetime(2026, 1, 1, tzinfo=UTC)})


def test_rows_come_back_in_order_with_their_types(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.jsonl", SCHEMA) as journal:
        journal.append(row("a"))
        journal.append(row("b"))
        assert list(journal.rows()) == [row("a"), row("b")]  # visible before it is closed


def test_a_line_cut_by_a_kill_is_ignored_and_later_rows_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    with Journal(path, SCHEMA) as journal:
        journal.append(row("a"))
        journal.append(row("b"))
    path.write_bytes(path.read_bytes()[:-20])
    with Journal(path, SCHEMA) as journal:
        journal.append(row("c"))
    assert [kept["row_key"] for kept in Journal(path, SCHEMA).rows()] == ["a", "c"]


def test_discarding_forgets_everything(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "j.jsonl", SCHEMA)
    journal.append(row("a"))
    journal.discard()
    assert list(journal.rows()) == []
    assert not journal.path.exists()
