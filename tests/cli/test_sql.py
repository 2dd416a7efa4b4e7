"""`videopasta sql` answers questions and changes nothing."""

from pathlib import Path

import pytest

from tests.cli.conftest import Invoke
from videopasta_assets.lake import TABLES


@pytest.fixture
def project(tmp_path: Path, invoke: Invoke) -> Path:
    invoke("init", tmp_path / "p")
    return tmp_path / "p"


def test_table_json_and_csv(invoke: Invoke, project: Path) -> None:
    query = "SELECT 1 AS a, 'x, y' AS b, NULL AS c"
    assert invoke("sql", "-p", project, query, "--json").json == [{"a": 1, "b": "x, y", "c": None}]
    assert invoke("sql", "-p", project, query, "--csv").out == 'a,b,c\n1,"x, y",\n'
    table = invoke("sql", "-p", project, query).out
    assert "x, y" in table
    assert "┃ a ┃ b" in table


def test_cells_are_no_markup(invoke: Invoke, project: Path) -> None:
    assert "[bold]x[/nope]" in invoke("sql", "-p", project, "SELECT '[bold]x[/nope]' AS a").out


def test_a_long_result_is_cut_and_says_so(invoke: Invoke, project: Path) -> None:
    done = invoke("sql", "-p", project, "SELECT range AS n FROM range(60)", "--rows", 7)
    assert "and 53 more rows" in done.err
    assert len(invoke("sql", "-p", project, "SELECT range AS n FROM range(60)", "--json").json) == 60


def test_every_table_is_listed_with_its_meaning(invoke: Invoke, project: Path) -> None:
    listed = invoke("sql", "-p", project, "--list").out
    assert all(name in listed for name in TABLES)
    columns = invoke("sql", "-p", project, "--list", "--json").json
    assert {"table", "column", "type", "meaning"} == set(columns[0])
    assert all(row["meaning"] for row in columns if row["table"] in TABLES and row["column"] not in ("recipe", "shard"))


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELEC 1", "syntax error"),
        ("SELECT * FROM nope", "nope"),
        ("SELECT nope FROM videos", "nope"),
        ("SELECT 1; SELECT 2", "single query"),
        ("DROP VIEW videos", "read-only"),
        ("COPY (SELECT 1) TO 'out.csv'", "read-only"),
        ("EXPLAIN ANALYZE COPY (SELECT 1) TO 'out.csv'", "read-only"),
        ("ATTACH 'x.duckdb'", "read-only"),
        ("CREATE TABLE t AS SELECT 1", "read-only"),
        ("", "give one query"),
    ],
)
def test_what_is_no_query_is_one_sentence(
    invoke: Invoke, project: Path, query: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    before = sorted(project.rglob("*"))
    invoke("status", "-p", project)
    done = invoke("sql", "-p", project, query)
    assert done.code == 2
    assert said in done.err
    assert done.err.count("\n") == 1
    assert {path.name for path in set(project.rglob("*")) - set(before)} <= {"lake", "lake.json"}


def test_two_formats_at_once_are_refused(invoke: Invoke, project: Path) -> None:
    assert invoke("sql", "-p", project, "SELECT 1", "--json", "--csv").code == 2
