"""Published benchmarks through the stage: real videos, published files, an engine that answers by rule."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from tests.fakes.counting_engine import CountingEngine, OneEngine
from tests.fakes.tiny_videos import write_video
from videopasta_assets.config.loader import parse_project
from videopasta_assets.engines import Engine, FinishReason, Reply, Request
from videopasta_assets.errors import UserError
from videopasta_assets.lake import TABLES, Row
from videopasta_assets.stages import benchmark_answers, benchmark_scores
from videopasta_assets.stages.benchmark_items import items_of, missing_videos
from videopasta_assets.stages.project import Project
from videopasta_assets.video.identity import content_id

YAML = """
frames: {{dense: {{value: 4}}}}
roles: {{responder: {{model: embedded}}, judge: {{model: embedded}}}}
experiments: [{{name: tuned}}]
evaluation:
  benchmarks: [{{name: bench, items: files, {settings}}}]
"""
OPTIONS = ("a red door", "a blue door", "a dog", "rain")


class RuleEngine(CountingEngine):
    """Replies what a rule says."""

    def __init__(self, rule: Callable[[Request], str]) -> None:
        super().__init__()
        self.rule = rule

    def generate(self, requests: Iterable[Request]) -> Iterator[Reply]:
        for request in requests:
            self.requests.append(request)
            yield Reply(request.request_id, self.rule(request), FinishReason.STOP, 10, 5, 0.001)


class Roles:
    """Another engine for the judge."""

    def __init__(self, responder: Engine, judge: Engine) -> None:
        self._engines = {"responder": responder, "judge": judge}

    def engine(self, role: str) -> Engine:
        return self._engines[role]


def make(root: Path, settings: str) -> Project:
    (root / "files").mkdir(parents=True, exist_ok=True)
    file = root / "videopasta.yaml"
    file.write_text(YAML.format(settings=settings))
    project = Project(parse_project(file.read_text(), file))
    row = {
        "row_key": "tuned",
        "experiment": "tuned",
        "preference_set": "x",
        "base_model": project.model_id("responder"),
        "adapter": "checkpoints/adapter",
        "adapter_hash": "a" * 32,
        "settings": "{}",
        "metrics": "{}",
    }
    complete = TABLES["lora_checkpoint"].versioned({**row, "provenance": "by hand"})
    project.lake.write(project.address("lora_checkpoint", "tuned"), [complete], {})
    return project


def egoschema(root: Path, videos: int, present: int) -> None:
    questions = [
        {"q_uid": f"v{n}", "question": f"What is in {n}?", **{f"option {p}": f"thing {p}" for p in range(5)}}
        for n in range(videos)
    ]
    (root / "questions.json").write_text(json.dumps(questions))
    (root / "subset_answers.json").write_text(json.dumps({f"v{n}": n % 5 for n in range(videos)}))
    for number in range(present):
        write_video(root / "videos" / f"v{number}.mp4", number)


def rows(project: Project, table: str, shard: str) -> list[Row]:
    return project.lake.rows(project.address(table, shard))


def test_items_whose_video_is_missing_are_counted_and_left_out_of_both_sides(tmp_path: Path) -> None:
    project = make(tmp_path, "format: egoschema")
    egoschema(tmp_path / "files", videos=4, present=3)
    assert missing_videos(project, "bench") == (4, ["v3.mp4"])
    engine = RuleEngine(lambda request: "B" if request.adapter else "A")
    benchmark_scores.run(project, "tuned", "bench", OneEngine(engine))
    (score,) = rows(project, "benchmark_scores", "tuned__bench")
    assert (score["items"], score["excluded"], score["mode"]) == (3, 1, "all")
    assert (score["base_accuracy"], score["tuned_accuracy"]) == pytest.approx((1 / 3, 1 / 3))
    assert (score["fixed"], score["broken"], score["p_value"]) == (1, 1, 1.0)
    (left_out,) = (row for row in rows(project, "benchmark_answers", "base__bench") if row["error"])
    assert "video is missing" in left_out["error"]
    assert left_out["correct"] is None
    assert len(engine.requests) == 6

    write_video(tmp_path / "files" / "videos" / "v3.mp4", 3)
    benchmark_scores.run(project, "tuned", "bench", OneEngine(engine))
    assert len(engine.requests) == 8, "only the video that arrived is asked about"
    (score,) = rows(project, "benchmark_scores", "tuned__bench")
    assert (score["items"], score["excluded"]) == (4, 0)
    benchmark_scores.run(project, "tuned", "bench", OneEngine(engine))
    assert len(engine.requests) == 8


def test_a_draw_of_items_is_seeded_and_grows_without_asking_again(tmp_path: Path) -> None:
    small = make(tmp_path, "format: egoschema, sample: 2")
    egoschema(tmp_path / "files", videos=5, present=5)
    engine = RuleEngine(lambda request: "A")
    benchmark_answers.run(small, "base", "bench", None, OneEngine(engine))
    assert len(engine.requests) == 2
    larger = make(tmp_path, "format: egoschema, sample: 4")
    assert {item.item_id for item in items_of(small, "bench")} < {item.item_id for item in items_of(larger, "bench")}
    benchmark_answers.run(larger, "base", "bench", None, OneEngine(engine))
    assert len(engine.requests) == 4


def test_videos_that_are_all_missing_are_one_sentence(tmp_path: Path) -> None:
    project = make(tmp_path, "format: egoschema")
    with pytest.raises(UserError, match=r"EgoSchema.*is not there.*github\.com/egoschema"):
        items_of(project, "bench")
    egoschema(tmp_path / "files", videos=2, present=0)
    with pytest.raises(UserError, match="none of the videos that the 2 items"):
        benchmark_answers.run(project, "base", "bench", None, OneEngine(CountingEngine()))


def test_a_checkpoint_of_another_base_is_refused(tmp_path: Path) -> None:
    project = make(tmp_path, "format: egoschema")
    (row,) = rows(project, "lora_checkpoint", "tuned")
    changed = TABLES["lora_checkpoint"].versioned({**row, "base_model": "another@1"})
    project.lake.write(project.address("lora_checkpoint", "tuned"), [changed], {})
    with pytest.raises(UserError, match="trained on another@1, and the responder is"):
        benchmark_scores.run(project, "tuned", "bench", OneEngine(CountingEngine()))


def test_captions_are_judged_by_what_a_reader_of_them_finds(tmp_path: Path) -> None:
    project = make(tmp_path, "format: tempcompass")
    files = tmp_path / "files"
    choice = {"question": "Which door?\nA. a red door\nB. a blue door", "answer": "B. a blue door"}
    items = {
        "multi-choice": choice,
        "yes_no": {"question": "Is it blue?", "answer": "yes"},
        "caption_matching": {
            "question": "Which?\nOption 1: red door\nOption 2: blue door",
            "answer": "Option 2: blue door",
        },
        "captioning": {
            "question": "Describe the door.",
            "answer": "blue",
            "mc_question": choice["question"],
            "mc_answer": choice["answer"],
        },
    }
    for task, item in items.items():
        (files / f"{task}.json").write_text(json.dumps({"v": {"action": [item]}, "w": {"order": [item]}}))
    for name in ("v", "w"):
        write_video(files / "videos" / f"{name}.mp4", ord(name))
    said = {"multiple_choice": "Option 2", "yes_no": "Yes.", "open_question": "The door is blue."}
    responder = RuleEngine(lambda request: said[request.prompt.template])
    judge = RuleEngine(lambda request: "B" if request.request_id.endswith("0") else "none")
    benchmark_answers.run(project, "base", "bench", None, Roles(responder, judge))
    found = {row["item_id"]: row for row in rows(project, "benchmark_answers", "base__bench")}
    assert len(found) == 8
    assert found["yes_no-0"]["correct"] and found["caption_matching-1"]["correct"]
    assert not found["multi-choice-0"]["parsed"], "its options have no names but letters"
    assert [found[f"captioning-{n}"]["correct"] for n in (0, 1)] == [True, False]
    assert [found[f"captioning-{n}"]["parsed"] for n in (0, 1)] == [True, True]
    assert found["captioning-0"]["judgement"] == "B"
    assert len(judge.requests) == 2
    assert all(request.clip is None for request in judge.requests)
    assert "The door is blue." in judge.requests[0].prompt.text
    assert found["yes_no-0"]["facets"] == ["task=yes_no", "dimension=action"]
    assert found["yes_no-0"]["video_id"] == content_id(files / "videos" / "v.mp4", [files])


def test_groups_count_whole_and_a_missing_part_takes_its_group_along(tmp_path: Path) -> None:
    project = make(tmp_path, "format: vinoground")
    files = tmp_path / "files"
    text, video = [], []
    for pair in range(3):
        for side in ("pos", "neg"):
            name = f"{pair}_{side}"
            text.append({"idx": name, "question": "Which?\nA. x\nB. y", "GT": "A", "video_name": f"one/{name}.mp4"})
            video.append({"idx": name, "question": "Which?\nA. x\nB. y", "GT": "A", "video_name": f"both/{name}.mp4"})
            for number, folder in enumerate(("one", "both")):
                if (pair, side, folder) != (2, "neg", "both"):
                    write_video(files / folder / f"{name}.mp4", 10 * pair + 2 * number + (side == "neg"))
    (files / "vinoground_textscore.json").write_text(json.dumps(text))
    (files / "vinoground_videoscore.json").write_text(json.dumps(video))

    def rule(request: Request) -> str:
        return "B" if request.adapter is None and request.request_id.startswith("1_neg_video") else "A"

    benchmark_scores.run(project, "tuned", "bench", OneEngine(RuleEngine(rule)))
    (score,) = rows(project, "benchmark_scores", "tuned__bench")
    assert (score["items"], score["units"], score["excluded"]) == (8, 2, 4)
    assert (score["metric"], score["base_accuracy"], score["tuned_accuracy"]) == ("group score", 0.5, 1.0)
    parts = {row["row_key"]: row for row in rows(project, "benchmark_breakdowns", "tuned__bench")}
    assert {name: part["base_accuracy"] for name, part in parts.items()} == {"score=text": 1.0, "score=video": 0.5}
    assert parts["score=text"]["units"] == 2


def test_a_question_about_a_part_sees_that_part(tmp_path: Path) -> None:
    project = make(tmp_path, "format: tvbench, only: {task: [action_sequence]}")
    files = tmp_path / "files"
    item = {
        "video": "a.mp4",
        "question": "How many?",
        "candidates": ["1", "2"],
        "answer": "2",
        "start": 1.0,
        "end": 2.0,
    }
    from videopasta_assets.evaluation.published import tvbench

    for task in tvbench.TASKS:
        (files / f"{task}.json").write_text(json.dumps([item]))
    write_video(files / "video" / "action_sequence" / "a.mp4", 1, frames=24, fps=8)
    engine = RuleEngine(lambda request: "2")
    benchmark_answers.run(project, "base", "bench", None, OneEngine(engine))
    (request,) = engine.requests
    assert request.clip is not None
    assert request.clip.plan.indices == (9, 11, 13, 15)
    assert rows(project, "benchmark_answers", "base__bench")[0]["correct"]
    with pytest.raises(UserError, match=r"no item's task is 'dancing'.*action_antonym"):
        items_of(make(tmp_path, "format: tvbench, only: {task: [dancing]}"), "bench")
    with pytest.raises(UserError, match="no item has a 'colour'"):
        items_of(make(tmp_path, "format: tvbench, only: {colour: [red]}"), "bench")
