"""lmms-eval as a runner: a stand-in for its environment that writes what the real one writes."""

import json
import stat
from pathlib import Path

import pytest

from tests.fakes.counting_engine import CountingEngine, OneEngine
from tests.stages.test_published_benchmarks import make, rows
from videopasta_assets.config.evaluation import LmmsEvalSettings
from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.stages import benchmark_scores, lmms_eval
from videopasta_assets.stages.benchmark_items import check_ready

SCRIPT = """#!/usr/bin/env python3
import json, pathlib, sys
arguments = dict(zip(sys.argv[3::2], sys.argv[4::2]))
if "broken" in arguments["--tasks"]:
    sys.exit("no such task in the registry")
folder = pathlib.Path(arguments["--output_path"]) / "model"
folder.mkdir(parents=True)
score = 61.5 if "merged" in arguments["--model_args"] else 60.0
result = {"alias": "x", "mvbench_accuracy,none": score, "mvbench_accuracy_stderr,none": 0.1}
data = {"results": {arguments["--tasks"]: result}, "n-samples": {arguments["--tasks"]: {"effective": 20}}}
(folder / "20261120_results.json").write_text(json.dumps(data))
"""


def environment(root: Path) -> Path:
    path = root / "lmms-python"
    path.write_text(SCRIPT)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def settings(python: Path, task: str = "mvbench") -> str:
    return f"format: mvbench, runner: lmms-eval, lmms_eval: {{python: '{python}', task: {task}}}"


def test_its_number_stands_beside_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = make(tmp_path, settings(environment(tmp_path)))
    monkeypatch.setattr(lmms_eval, "_merged", lambda project, adapter: tmp_path / "merged")
    engine = CountingEngine()
    outcomes = benchmark_scores.run(project, "tuned", "bench", OneEngine(engine))
    (score,) = rows(project, "benchmark_scores", "tuned__bench")
    assert (score["base_accuracy"], score["tuned_accuracy"], score["items"]) == (0.6, 0.615, 20)
    assert score["difference"] == pytest.approx(0.015)
    assert (score["runner"], score["metric"], score["p_value"]) == ("lmms-eval", "mvbench_accuracy", None)
    assert {name: outcome.manifest.rows for name, outcome in outcomes.items()} == {
        "benchmark_answers": 0,
        "benchmark_scores": 1,
        "benchmark_breakdowns": 0,
    }
    assert engine.requests == []
    (tmp_path / "lmms-python").unlink()
    assert benchmark_scores.run(project, "tuned", "bench", OneEngine(engine))["benchmark_scores"].computed == 0


def test_a_missing_environment_and_a_failure_are_one_sentence(tmp_path: Path) -> None:
    project = make(tmp_path, settings(tmp_path / "nowhere"))
    with pytest.raises(UserError, match="its environment is not there"):
        check_ready(project, "bench")
    project = make(tmp_path, settings(environment(tmp_path), "broken"))
    check_ready(project, "bench")
    with pytest.raises(VideoPastaError, match=r"failed with code 1.*no such task in the registry"):
        benchmark_scores.run(project, "tuned", "bench", OneEngine(CountingEngine()))
    with pytest.raises(UserError, match="runner lmms-eval needs lmms_eval"):
        make(tmp_path, "format: mvbench, runner: lmms-eval")


def test_results_are_read_as_shares_and_a_wrong_metric_is_named(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"results": {"nextqa": {"exact_match,none": 0.75, "other,none": 1.0}}}))
    about = {"python": tmp_path, "task": "nextqa"}
    assert lmms_eval.read_results(path, LmmsEvalSettings(**about)) == lmms_eval.Reported("exact_match", 0.75, 0)
    with pytest.raises(UserError, match=r"no metric 'bleu'.*exact_match, other"):
        lmms_eval.read_results(path, LmmsEvalSettings(**about, metric="bleu"))
    path.write_text("[]")
    with pytest.raises(UserError, match="no results file"):
        lmms_eval.read_results(path, LmmsEvalSettings(**about))
