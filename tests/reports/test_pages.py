"""The reports of a real preference set and of a checkpoint: complete, honest, and never markup from outside."""

from typer.testing import CliRunner

from dbt_like_sql.views import connect
from tests.reports.conftest import put
from videopasta_assets.assets.benchmark_scores import score_figures
from videopasta_assets.cli.main import app
from videopasta_assets.cli.summary import summarize, tables
from videopasta_assets.errors import UserError
from videopasta_assets.reports import paper, write_checkpoint_report, write_preference_set_report
from videopasta_assets.reports.tally import tally
from videopasta_assets.stages import preference_set
from videopasta_assets.stages.benchmark_answers import partition
from videopasta_assets.stages.project import Project
from videopasta_assets.training.result import read_log


def test_the_page_of_a_preference_set(project: Project) -> None:
    page = write_preference_set_report(project)
    current = preference_set.current(project)
    assert page is not None
    assert current is not None
    text = page.path.read_text()
    assert page.path.name == f"preference_set-{current.hash[:16]}.html"
    assert f"{len(current.members)} pairs" in text
    assert f"{tally(project).attempts} attempts" in text
    assert text.count("<svg") == 4
    for heading in ("From videos to pairs", "Retention by failure mode", "Verdicts", "Lengths of the answers", "Cost"):
        assert f"<h2>{heading}" in text
    assert paper.NAME in text
    assert "7,020" in text
    assert "by the oracle" not in text
    assert "People and the verifier" not in text


def test_the_page_of_a_checkpoint_says_when_it_got_worse(project: Project) -> None:
    page = write_checkpoint_report(project, "first")
    assert page is not None
    text = page.path.read_text()
    assert "On held-out it is worse: -10.0 points (-15.0 to -5.0) over 40 items." in text
    assert text.count("<svg") == 2
    assert "rejected reward" in text
    assert "VideoMME" in text
    assert "64.1 %" in text
    assert "<script" not in text
    assert "<img" not in text
    assert "window.hacked" in text  # the base model's name is shown, as text


def test_a_score_of_another_runner_has_no_interval_and_is_shown_all_the_same(bench_copy: Project) -> None:
    shard = partition("first", "held-out")
    score = {
        "row_key": "all",
        "experiment": "first",
        "benchmark": "held-out",
        "mode": "all",
        "runner": "lmms-eval",
        "items": 40,
        "base_accuracy": 0.5,
        "tuned_accuracy": 0.6,
        "difference": 0.1,
        "adapter_hash": "a" * 32,
    }
    put(bench_copy, "benchmark_scores", shard, [score])
    page = write_checkpoint_report(bench_copy, "first")
    assert page is not None
    text = page.path.read_text()
    assert "On held-out, run by lmms-eval, it differs by +10.0 points, without interval." in text
    assert text.count("<svg") == 2
    assert score_figures(bench_copy, shard)["difference"] == 0.1
    summary = summarize(connect(bench_copy.lake), bench_copy)
    assert "+10.0" in {str(cell) for table in tables(summary) for column in table.columns for cell in column.cells}


def test_supervised_training_has_no_rewards(bench_copy: Project) -> None:
    (bench_copy.lake.root / "checkpoints" / "first" / "training_log.jsonl").write_text('{"step": 1, "loss": 2.0}')
    page = write_checkpoint_report(bench_copy, "first")
    assert page is not None
    text = page.path.read_text()
    assert "There are no rewards" in text
    assert text.count("<svg") == 1


def test_nothing_yet_is_no_page(empty: Project) -> None:
    assert write_preference_set_report(empty) is None
    assert write_checkpoint_report(empty, "first") is None
    done = CliRunner().invoke(app, ["report", "--project", str(empty.settings.root)])
    assert isinstance(done.exception, UserError)
    assert "no preference set yet" in str(done.exception)


def test_the_command_writes_both(project: Project) -> None:
    done = CliRunner().invoke(app, ["report", "--project", str(project.settings.root), "--json"])
    assert done.exit_code == 0
    one = CliRunner().invoke(app, ["report", "--project", str(project.settings.root), "--experiment", "second"])
    assert isinstance(one.exception, UserError)
    unknown = CliRunner().invoke(app, ["report", "--project", str(project.settings.root), "--experiment", "x"])
    assert "no experiment is named 'x'" in str(unknown.exception)


def test_a_cut_line_of_the_log_is_left_out(project: Project) -> None:
    log = project.lake.local_folder("checkpoints/first") / "training_log.jsonl"
    assert [step["step"] for step in read_log(log)] == [1, 5, 10]
    assert read_log(log.with_name("none")) == []


def test_the_papers_scores_are_found_under_any_spelling() -> None:
    assert paper.score_of("video-mme") == paper.score_of("VideoMME") == (62.2, 64.1)
    assert paper.score_of("toyworld") is None
    assert round(paper.POTENTIAL_PAIRS * paper.RETENTION) == paper.PAIRS
