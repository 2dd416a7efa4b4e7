"""Questions in Python: one line opens a project, and nothing but queries gets through."""

import threading

import duckdb
import pytest

import videopasta_assets
from dbt_like_sql.reader import Reader, SqlError
from tests.fakes.bench_project import BenchProject
from videopasta_assets.lake import TABLES, Address
from videopasta_assets.lake.shards import list_shards
from videopasta_assets.stages.landing import land
from videopasta_assets.stages.pipeline import run_shard


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> BenchProject:
    made = BenchProject.make(tmp_path_factory.mktemp("project"), videos=3)
    land(made.project)
    for shard in list_shards(made.project.lake):
        run_shard(made.project, shard, made.engines)
    return made


@pytest.fixture
def reader(bench: BenchProject) -> Reader:
    return Reader(bench.project)


def test_one_line_opens_a_project(bench: BenchProject, monkeypatch: pytest.MonkeyPatch) -> None:
    query = "SELECT count(*) AS videos FROM videos WHERE present"
    assert videopasta_assets.connect(bench.root).sql(query).df()["videos"].tolist() == [3]
    monkeypatch.setenv("VIDEOPASTA_PROJECT", str(bench.root))
    assert videopasta_assets.connect().sql(query).fetchall() == [(3,)]


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM videos",
        "COPY (SELECT 1) TO '{lake}/x.csv'",
        "CREATE TEMP TABLE t AS SELECT 1",
        "SET threads = 1",
        "",
    ],
)
def test_a_write_is_refused(reader: Reader, bench: BenchProject, statement: str) -> None:
    with pytest.raises(SqlError, match="read-only"):
        reader.sql(statement.format(lake=bench.project.lake.root))


def test_nothing_outside_the_lake_is_opened(reader: Reader, bench: BenchProject) -> None:
    with pytest.raises((SqlError, duckdb.Error), match="Cannot access file"):
        reader.sql(f"FROM read_text('{bench.root}/videopasta.yaml')").fetchall()


@pytest.mark.parametrize("table", ["verified_pairs", "adversaries", "retention", "pair_texts", "calls"])
def test_a_query_for_one_shard_opens_one_file_a_table(reader: Reader, table: str) -> None:
    plan = "\n".join(text for _, text in reader.ask(f"EXPLAIN SELECT * FROM {table} WHERE shard = 's000001'").rows)
    scans = [line for line in plan.splitlines() if "Scanning Files" in line]
    assert scans
    assert all("Scanning Files: 1/2" in line for line in scans), plan


def test_footers_are_a_table(reader: Reader, bench: BenchProject) -> None:
    project = bench.project
    found = reader.ask("SELECT \"table\", shard, rows, data_version FROM manifests WHERE recipe = 'videopasta'").rows
    assert len(found) > 10
    for table, shard, rows, version in found:
        manifest = project.lake.manifest(Address(table, "videopasta", shard))
        assert manifest is not None
        assert (rows, version) == (manifest.rows, manifest.data_version)


def test_readers_are_not_disturbed_while_a_shard_is_rewritten(bench: BenchProject) -> None:
    lake, address = bench.project.lake, bench.project.address("queries", "s000000")
    rows, stop, seen = lake.rows(address), threading.Event(), set[int]()

    def rewrite() -> None:
        while not stop.is_set():
            lake.write(address, rows, {})

    writer = threading.Thread(target=rewrite)
    writer.start()
    try:
        with Reader(bench.project) as reader:
            for _ in range(20):
                seen.update(count for (count,) in reader.ask("SELECT count(*) FROM queries").rows)
    finally:
        stop.set()
        writer.join()
    assert seen == {9}


def test_what_is_empty_is_known_through_models(reader: Reader) -> None:
    assert reader.empty_tables("SELECT * FROM leaderboard") == ["lora_checkpoint", "benchmark_scores"]
    assert reader.empty_tables("SELECT * FROM retention_by_mode") == []


def test_every_column_of_the_tables_has_a_meaning(reader: Reader) -> None:
    listed = reader.schema()
    assert {row[0] for row in listed.rows} >= set(TABLES)
    assert all(row[4] for row in listed.rows if row[1] == "table")


HOSTILE = "'; DROP VIEW videos; -- \" <script>alert(1)</script> \x00%_"


def test_a_hostile_string_is_only_a_string(bench: BenchProject) -> None:
    lake = bench.project.lake
    row = TABLES["queries"].versioned(
        {"row_key": "h", "query_id": "h", "video_id": "h", "query_mode": "spatial", "query_category": "occlusion"}
        | {"query": HOSTILE}
    )
    lake.write(Address("queries", "hostile", "s000000"), [row], {})
    with Reader(bench.project) as reader:
        assert reader.ask("SELECT query FROM queries WHERE query_id = 'h'").rows == [(HOSTILE,)]
        assert reader.ask("SELECT count(*) FROM potential_slots").rows[0][0] > 0
        assert len(reader.ask("FROM videos").rows) == 3
