"""`videopasta sql` answers questions and changes nothing."""

from pathlib import Path

import pytest

from dbt_like_sql.catalog import load_models
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


def test_a_row_too_wide_for_a_table_is_shown_line_by_line(invoke: Invoke, project: Path) -> None:
    query = "SELECT " + ", ".join(f"{number} AS a_rather_long_heading_{number}" for number in range(20))
    shown = invoke("sql", "-p", project, query).out
    assert shown.splitlines()[0].strip() == "row 1"
    assert "│ a_rather_long_heading_19 │ 19 │" in shown


def test_cells_are_no_markup(invoke: Invoke, project: Path) -> None:
    assert "[bold]x[/nope]" in invoke("sql", "-p", project, "SELECT '[bold]x[/nope]' AS a").out


def test_a_long_result_is_cut_and_says_so(invoke: Invoke, project: Path) -> None:
    done = invoke("sql", "-p", project, "SELECT range AS n FROM range(60)", "--rows", 7)
    assert "and 53 more rows" in done.err
    assert len(invoke("sql", "-p", project, "SELECT range AS n FROM range(60)", "--json").json) == 60


def test_tables_and_questions_are_listed_with_their_meanings(invoke: Invoke, project: Path) -> None:
    listed = invoke("sql", "-p", project, "--list").out
    assert all(name in listed for name in TABLES)
    assert all(model.name in listed for model in load_models())
    columns = invoke("sql", "-p", project, "--list", "--json").json
    assert {"table", "kind", "column", "type", "meaning"} == set(columns[0])
    assert all(row["meaning"] for row in columns if row["kind"] == "table")
    own = invoke("sql", "-p", project, "--list", "--name", "retention_by_mode", "--json").json
    assert {row["table"] for row in own} == {"retention_by_mode"}


def test_a_ready_made_question_is_asked_by_name(invoke: Invoke, project: Path) -> None:
    assert invoke("sql", "-p", project, "--name", "retention_by_mode", "--json").json == []
    done = invoke("sql", "-p", project, "--name", "retention_by_mod")
    assert (done.code, "Did you mean 'retention_by_mode'?" in done.err) == (2, True)
    assert invoke("sql", "-p", project, "--name", 'x" UNION SELECT 1 --').code == 2


@pytest.mark.parametrize("asked", [["SELECT * FROM retention_by_mode"], ["--name", "leaderboard"]])
def test_an_empty_lake_says_what_to_run_first(invoke: Invoke, project: Path, asked: list[str]) -> None:
    done = invoke("sql", "-p", project, *asked)
    assert done.code == 0
    assert "`videopasta run`" in done.err


@pytest.mark.parametrize(
    ("query", "said", "word"),
    [
        ("SELEC 1", "syntax error", "SELEC"),
        ("SELECT * FROM verified_pair", "Did you mean 'verified_pairs'?", "verified_pair"),
        ("SELECT *\nFROM videos\nWHERE nope = 1", 'column "nope" not found', "nope"),
        ("SELECT avg(path) FROM videos", "avg(VARCHAR)", "avg(path)"),
        ("EXPLAIN SELECT nope FROM videos", 'column "nope" not found', "nope"),
    ],
)
def test_a_mistake_points_at_its_word(invoke: Invoke, project: Path, query: str, said: str, word: str) -> None:
    done = invoke("sql", "-p", project, query)
    assert done.code == 2
    *_, line, carets, sentence = done.err.splitlines()
    assert sentence.startswith("error: SQL: ")
    assert said in sentence
    start = carets.index("^")
    assert line[start : start + len(word)] == word
    assert set(carets.strip()) == {"^"}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT 1; SELECT 2", "single query"),
        ("DROP VIEW videos", "read-only"),
        ("COPY (SELECT 1) TO 'out.csv'", "read-only"),
        ("EXPLAIN ANALYZE COPY (SELECT 1) TO 'out.csv'", "read-only"),
        ("ATTACH 'x.duckdb'", "read-only"),
        ("SET enable_external_access = true", "read-only"),
        ("CREATE TABLE t AS SELECT 1", "read-only"),
        ("SELECT * FROM read_csv('/etc/passwd')", "Cannot access file"),
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
    sentence = done.err.splitlines()[-1]
    assert sentence.startswith("error: ")
    assert said in sentence
    assert {path.name for path in set(project.rglob("*")) - set(before)} <= {"lake", "lake.json"}


def test_a_plan_is_printed_as_it_is(invoke: Invoke, project: Path) -> None:
    assert "│" in invoke("sql", "-p", project, "EXPLAIN SELECT count(*) FROM videos").out


def test_two_formats_at_once_are_refused(invoke: Invoke, project: Path) -> None:
    assert invoke("sql", "-p", project, "SELECT 1", "--json", "--csv").code == 2
