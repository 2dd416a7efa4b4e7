"""lmms-eval as a runner: a stand-in that writes what the real one writes, and the real one where it is installed."""

import json
import runpy
import stat
from pathlib import Path

import pytest

from resources.engines import WarmEngines
from tests.fakes.counting_engine import CountingEngine, OneEngine
from tests.stages.test_published_benchmarks import make, rows
from videopasta_assets.config.loader import parse_project
from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.stages import benchmark_answers, benchmark_scores, lmms_eval
from videopasta_assets.stages.benchmark_items import check_ready
from videopasta_assets.stages.lmms_eval import Reported, Task, read_results
from videopasta_assets.stages.lmms_task import task_of, write_task
from videopasta_assets.stages.project import Project
from videopasta_assets.toyworld.benchmark import write_benchmark

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
    with pytest.raises(UserError, match=r"its environment is not there.*make lmms-env"):
        check_ready(project, "bench")
    project = make(tmp_path, settings(environment(tmp_path), "broken"))
    check_ready(project, "bench")
    with pytest.raises(VideoPastaError, match=r"failed with code 1.*no such task in the registry"):
        benchmark_scores.run(project, "tuned", "bench", OneEngine(CountingEngine()))
    with pytest.raises(UserError, match="runner lmms-eval needs lmms_eval"):
        make(tmp_path, "format: mvbench, runner: lmms-eval")
    with pytest.raises(UserError, match=r"name its task for mvbench in lmms_eval\.task"):
        make(tmp_path, "format: mvbench, runner: lmms-eval, lmms_eval: {model: qwen2_5_vl}")


def test_results_are_read_as_shares_and_a_wrong_metric_is_named(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"results": {"nextqa": {"exact_match,none": 0.75, "other,none": 1.0}}}))
    task = Task("nextqa", None, None)
    assert read_results(path, task) == Reported("exact_match", 0.75, 0)
    assert read_results(path, task, percent=True) == Reported("exact_match", 0.0075, 0)
    with pytest.raises(UserError, match=r"no metric 'bleu'.*exact_match, other"):
        read_results(path, Task("nextqa", None, "bleu"))
    with pytest.raises(UserError, match=r"no task 'mvbench'.*nextqa"):
        read_results(path, Task("mvbench", None, None))
    path.write_text("[]")
    with pytest.raises(UserError, match="no results file"):
        read_results(path, task)


OURS = (
    "format: items, runner: lmms-eval, lmms_eval: {{python: '{python}', model_args: "
    "'device_map=cpu,device=cpu,max_num_frames=16,min_pixels=5184,max_pixels=5184'}}"
)


def toyworld(root: Path, python: Path | str, videos: int = 3, items: int = 4) -> Project:
    """A project whose benchmark is toyworld's, run by lmms-eval."""
    make(root, OURS.format(python=python))
    (root / "files").rmdir()
    path = write_benchmark(root / "bench", root / "truth", videos, items, 0, "benchmark")
    path.rename(root / "bench" / "items.jsonl")
    text = (root / "videopasta.yaml").read_text().replace("items: files", "items: bench/items.jsonl")
    (root / "videopasta.yaml").write_text(text.replace("dense: {value: 4}", "dense: {value: 16}"))
    return Project(parse_project((root / "videopasta.yaml").read_text(), root / "videopasta.yaml"))


def test_a_task_is_made_of_our_own_items(tmp_path: Path) -> None:
    project = toyworld(tmp_path, "python3")
    next((tmp_path / "bench" / "videos").iterdir()).unlink()
    settings = project.settings.evaluation.benchmarks[0].lmms_eval
    assert settings is not None
    task = task_of(project, "bench", settings)
    assert (task.name, task.metric) == ("videopasta_bench", "accuracy")
    assert task.folder is not None
    lines = [json.loads(line) for line in (task.folder / "items.jsonl").read_text().splitlines()]
    assert len(lines) == 8, "items of the video that is missing are left out"
    assert all(Path(line["video"]).is_file() and line["prompt"].endswith("Choose one.") for line in lines)
    assert "doc_to_messages: !function lmms_functions.messages" in (task.folder / "videopasta_bench.yaml").read_text()
    assert task_of(project, "bench", settings).content == task.content
    assert task_of(project, "bench", settings.model_copy(update={"metric": "parsed"})).metric == "parsed"
    functions = runpy.run_path(str(task.folder / "lmms_functions.py"))
    item = lines[0]
    assert functions["score"](item, [functions["target"](item)]) == {"accuracy": 1.0, "parsed": 1.0}
    assert functions["score"](item, ["I cannot tell."]) == {"accuracy": 0.0, "parsed": 0.0}
    assert functions["messages"]({**item, "system": "s", "start": 1.0, "end": 2.0})[1]["content"][0]["end_time"] == 2.0


def test_a_task_of_ones_own_that_changed_is_run_again(tmp_path: Path) -> None:
    own = "tasks: own, task: mine, model_args: x"
    project = make(tmp_path, f"format: mvbench, runner: lmms-eval, lmms_eval: {{{own}}}")
    settings = project.settings.evaluation.benchmarks[0].lmms_eval
    assert settings is not None
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "mine.yaml").write_text("task: mine")
    before, spec = task_of(project, "bench", settings), benchmark_scores.spec(project, "bench")
    assert before.folder == tmp_path / "own"
    (tmp_path / "own" / "mine.yaml").write_text("task: mine, otherwise")
    assert task_of(project, "bench", settings).content != before.content
    assert benchmark_scores.spec(project, "bench") != spec


def test_items_that_lmms_eval_cannot_be_given_are_named(tmp_path: Path) -> None:
    project = toyworld(tmp_path, "python3", videos=1)
    path = tmp_path / "bench" / "items.jsonl"
    first = {**json.loads(path.read_text().splitlines()[0]), "form": "open", "reference": "x"}
    path.write_text(json.dumps({**first, "options": [], "answer_index": -1}) + "\n")
    with pytest.raises(UserError, match=r"is of form open.*Leave such items out"):
        write_task(project, "bench", tmp_path / "task")
    path.write_text(json.dumps({**first, "form": "choice", "video": "gone.mp4"}) + "\n")
    with pytest.raises(UserError, match="none of the videos of benchmark 'bench' can be read"):
        write_task(project, "bench", tmp_path / "task")


MISSING = "" if lmms_eval.BESIDE_US.exists() else "lmms-eval is not installed: make lmms-env"


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.skipif(bool(MISSING), reason=MISSING or "lmms-eval is here")
def test_the_real_lmms_eval_scores_the_embedded_model_as_we_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = toyworld(tmp_path, lmms_eval.BESIDE_US, videos=8, items=6)
    monkeypatch.setattr(lmms_eval, "_merged", lambda project, adapter: project.model_folder("responder"))
    benchmark_scores.run(project, "tuned", "bench", OneEngine(CountingEngine()))
    (elsewhere,) = rows(project, "benchmark_scores", "tuned__bench")
    assert (elsewhere["runner"], elsewhere["metric"], elsewhere["items"]) == ("lmms-eval", "accuracy", 48)
    assert elsewhere["base_accuracy"] == elsewhere["tuned_accuracy"], "the same model, asked twice"
    ours = toyworld_accuracy(project)
    # Other frames (spread from first to last, not midpoints) and their resizing; chance is a quarter.
    assert abs(elsewhere["base_accuracy"] - ours) < 0.2
    assert elsewhere["base_accuracy"] > 0.5


def toyworld_accuracy(project: Project) -> float:
    """What our own runner says of the base model."""
    (settings,) = project.settings.evaluation.benchmarks
    own = settings.model_copy(update={"runner": "videopasta", "name": "own"})
    evaluation = project.settings.evaluation.model_copy(update={"benchmarks": (own,)})
    again = Project(project.settings.model_copy(update={"evaluation": evaluation}))
    benchmark_answers.run(again, "base", "own", None, WarmEngines(again))
    found = rows(again, "benchmark_answers", "base__own")
    return sum(bool(row["correct"]) for row in found) / len(found)
