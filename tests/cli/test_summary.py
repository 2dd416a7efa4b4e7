"""What a run ends with says which rows failed, and why."""

from pathlib import Path

from dbt_like_sql.views import connect
from tests.fakes.bench_project import BenchProject
from tests.fakes.counting_engine import CountingEngine
from videopasta_assets.cli.summary import summarize, tables
from videopasta_assets.engines import Request
from videopasta_assets.stages.landing import land
from videopasta_assets.stages.pipeline import run_shard


def test_rows_that_failed_are_counted_with_what_they_say_most_often(tmp_path: Path) -> None:
    def fault(request: Request) -> str | None:
        return "too_long: lower the number of frames" if request.prompt.template == "query/spatial" else None

    bench = BenchProject.make(tmp_path, videos=2)
    bench.engine = CountingEngine(fault=fault)
    land(bench.project)
    run_shard(bench.project, "s000000", bench.engines)
    summary = summarize(connect(bench.project.lake), bench.project)
    expected = {"asset": "queries", "failed": 2, "most_often": "too_long: lower the number of frames"}
    assert summary.failures == (expected,)
    assert any("--retry-failed" in str(table.title) for table in tables(summary))


def test_nothing_is_said_where_nothing_failed(tmp_path: Path) -> None:
    bench = BenchProject.make(tmp_path, videos=1)
    land(bench.project)
    run_shard(bench.project, "s000000", bench.engines)
    summary = summarize(connect(bench.project.lake), bench.project)
    assert summary.failures == ()
    assert not any("--retry-failed" in str(table.title) for table in tables(summary))
