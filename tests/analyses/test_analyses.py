"""Analyses over answers and scores written by hand, and their arithmetic."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fakes.counting_engine import CountingEngine, OneEngine
from videopasta_assets.analyses import difficulty, information_gain, order_probe, question_map, targeting, timewar_drop
from videopasta_assets.analyses.catalog import ANALYSES, run_analysis
from videopasta_assets.config.loader import parse_project
from videopasta_assets.errors import UserError
from videopasta_assets.evaluation import PUBLISHED, BenchmarkItem
from videopasta_assets.evaluation.published.order_probe import Event, probes
from videopasta_assets.lake import TABLES, Row
from videopasta_assets.reports.document import render
from videopasta_assets.stages.project import Project

YAML = """
roles: {responder: {model: embedded}}
experiments: [{name: ours}, {name: theirs}]
evaluation:
  benchmarks: [{name: bench, items: files, format: FORMAT}]
"""


def make(root: Path, kind: str = "order_probe") -> Project:
    file = root / "videopasta.yaml"
    file.write_text(YAML.replace("FORMAT", kind))
    return Project(parse_project(file.read_text(), file))


def put(project: Project, table: str, shard: str, rows: list[dict[str, Any]]) -> None:
    complete = [TABLES[table].versioned({**row, "provenance": "by hand"}) for row in rows]
    project.lake.write(project.address(table, shard), complete, {})


def answered(items: list[BenchmarkItem], say: Callable[[BenchmarkItem], int]) -> list[Row]:
    return [
        {
            "row_key": item.item_id,
            "item_id": item.item_id,
            "benchmark": "bench",
            "experiment": "base",
            "category": item.category,
            "item_group": item.group,
            "video_id": item.video,
            "facets": [f"{name}={value}" for name, value in item.facets],
            "answer_index": item.answer_index,
            "predicted_index": say(item),
            "correct": say(item) == item.answer_index,
            "parsed": True,
        }
        for item in items
    ]


EVENTS = [Event(start, f"event {number}") for number, start in enumerate((0, 22, 45, 60, 71, 82, 95, 130))]


def test_the_probe_asks_about_neighbours_near_and_far() -> None:
    items = probes("a.mp4", EVENTS)
    buckets = {(item.facet("bucket"), item.facet("direction")) for item in items}
    assert ("near", "before") in buckets  # 60 to 71
    assert ("near", "after") in buckets  # 71 to 82
    assert ("moderately_far", "before") in buckets  # 45 to 71
    assert ("very_far", "after") in buckets  # 71 to 130
    assert len(items) == 4 * len(buckets)
    near = [item for item in items if item.group == "a.mp4:near:before"]
    assert near[0].question == 'Does "event 3" happen before "event 4" in the video?'
    assert [item.answer_index for item in near] == [0, 1, 0, 1]
    assert probes("a.mp4", EVENTS[:3]) == []


def test_the_probe_reads_annotations_and_names_a_wrong_field(tmp_path: Path) -> None:
    folder = tmp_path / "normal_annotations"
    folder.mkdir()
    times = [[event.start, event.start + 5] for event in EVENTS]
    record = {"video": "a.mp4", "description": [event.text for event in EVENTS], "scene_timestamps": times}
    (folder / "a.json").write_text(json.dumps(record))
    assert PUBLISHED["order_probe"].items(tmp_path) == probes("a.mp4", EVENTS)
    (folder / "a.json").write_text(json.dumps({**record, "scene_timestamps": times[:-1]}))
    with pytest.raises(UserError, match="field 'scene_timestamps' must have"):
        PUBLISHED["order_probe"].items(tmp_path)


@pytest.mark.parametrize(("answer", "right"), [("yes", 0.0), ("no", 0.0), ("truth", 1.0), ("lie", 0.0)])
def test_constant_answers_get_nothing_and_the_truth_gets_all(answer: str, right: float, tmp_path: Path) -> None:
    items = probes("a.mp4", EVENTS) + probes("b.mp4", EVENTS)
    say: dict[str, Callable[[BenchmarkItem], int]] = {
        "yes": lambda item: 0,
        "no": lambda item: 1,
        "truth": lambda item: item.answer_index,
        "lie": lambda item: 1 - item.answer_index,
    }
    measured = order_probe.shares("base", "bench", answered(items, say[answer]))
    values = {one.scope: (one.value, one.items) for one in measured if one.measure == "right"}
    assert values["near before"] == values["near"] == (right, 2)
    assert {value for value, _ in values.values()} <= {right, None}
    project = make(tmp_path)
    put(project, "benchmark_answers", "base__bench", answered(items, say[answer]))
    assert "<svg" in render(order_probe.analyse(project).report)


def test_chance_of_the_probe_is_the_papers() -> None:
    assert order_probe.chance(4, 3) == pytest.approx(0.3125)
    assert order_probe.chance(8, 5) == pytest.approx(0.3633, abs=1e-4)


def scored(project: Project, experiment: str, pairs: int, difference: float, half: float | None = 0.01) -> None:
    put(
        project,
        "lora_checkpoint",
        experiment,
        [{"row_key": experiment, "experiment": experiment, "pairs": pairs, "adapter": "x", "adapter_hash": "y"}],
    )
    row = {
        "row_key": "all",
        "experiment": experiment,
        "benchmark": "bench",
        "mode": "all",
        "items": 10,
        "difference": difference,
        "difference_low": None if half is None else difference - half,
        "difference_high": None if half is None else difference + half,
    }
    put(project, "benchmark_scores", f"{experiment}__bench", [row])


def test_information_gain_and_its_ratios(tmp_path: Path) -> None:
    project = make(tmp_path)
    with pytest.raises(UserError, match="no experiment was scored yet"):
        information_gain.analyse(project)
    scored(project, "ours", 7020, 0.019)
    scored(project, "theirs", 17000, -0.014)
    analysis = information_gain.analyse(project)
    values = {(one.cell, one.measure): one.value for one in analysis.measured}
    assert values["ours", "points for 1,000 pairs"] == pytest.approx(0.2707, abs=1e-4)
    assert values["theirs", "points for 1,000 pairs"] == pytest.approx(-0.0824, abs=1e-4)
    assert values["ours", "times the gain of theirs"] is values["theirs", "times the gain of ours"] is None
    page = render(analysis.report)
    assert "10.2" in page and "1.19" in page, "the paper's multiple, and what its table gives"


def test_information_gain_of_a_score_without_interval(tmp_path: Path) -> None:
    project = make(tmp_path)
    scored(project, "ours", 7020, 0.019, half=None)
    scored(project, "theirs", 17000, -0.014)
    assert "+0.27<" in render(information_gain.analyse(project).report)


def timewar_items() -> list[BenchmarkItem]:
    items = []
    for number in range(6):
        for variant in ("normal", "shuffled"):
            changed = (("answer changed", "yes" if number < 4 else "no"),) if variant == "shuffled" else ()
            right = 1 if variant == "shuffled" and number < 4 else 0
            items.append(
                BenchmarkItem(
                    f"{variant}:{number}",
                    f"{variant}_videos/{number}.mp4",
                    f"What comes {number}?",
                    ("this", "that", "both", "none"),
                    right,
                    category=variant,
                    group=str(number),
                    facets=(("variant", variant), *changed),
                )
            )
    return items


def test_the_drop_is_of_questions_that_both_variants_have(tmp_path: Path) -> None:
    rows = answered(timewar_items()[:-1], lambda item: 0)
    values = {(one.scope, one.measure): (one.value, one.items) for one in timewar_drop.drops("base", "bench", rows, 0)}
    assert values["all", "normal"] == (1.0, 5), "the sixth question lacks its shuffled half"
    assert values["all", "drop"] == (pytest.approx(0.8), 5)
    assert values["answer changed", "drop"] == (1.0, 4)
    assert values["answer kept", "drop"] == (0.0, 1)
    project = make(tmp_path, "timewar")
    put(project, "benchmark_answers", "base__bench", rows)
    assert "mean of the drops" in render(timewar_drop.analyse(project).report)


def test_contrasts_pair_items_that_ask_the_same_of_two_videos() -> None:
    pairs = difficulty.contrasts(timewar_items(), 0)
    assert {pair.first.group for pair in pairs} == {"0", "1", "2", "3"}, "the others' answers are the same"
    for pair in pairs:
        assert pair.first.group == pair.second.group
        assert pair.answers[0] != pair.answers[1]
    assert difficulty.contrasts(timewar_items(), 0) == pairs


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=30))
def test_the_group_score_is_at_most_the_others(right: list[tuple[bool, bool]]) -> None:
    text, video, group = (one.value for one in difficulty.scores("base", "bench", right))
    assert text is not None and video is not None and group is not None
    assert group <= min(text, video)


def test_random_likelihoods_get_what_the_page_calls_chance() -> None:
    first = np.random.default_rng(0).normal(size=(40_000, 4))
    right = [(a > b and d > c, a > c and d > b) for a, b, c, d in first]
    for one in difficulty.scores("base", "bench", right):
        assert one.value == pytest.approx(difficulty.CHANCE[one.scope], abs=0.01)


def test_an_engine_without_likelihoods_is_one_sentence(tmp_path: Path) -> None:
    project = make(tmp_path, "items")
    with pytest.raises(UserError, match="not there"):
        difficulty.analyse(project, OneEngine(CountingEngine()))


def test_groups_that_keep_apart_have_their_own_neighbours() -> None:
    rng = np.random.default_rng(0)
    apart = np.concatenate([rng.normal(size=(30, 8)) + 20 * np.eye(8)[group] for group in (0, 1)])
    names = ["one"] * 30 + ["two"] * 30
    own = {one.cell: one.value for one in question_map.gaps(apart, names) if one.measure == "own neighbours"}
    assert own == {"one": 1.0, "two": 1.0}
    mixed = question_map.gaps(rng.normal(size=(60, 8)), names)
    values = {one.measure: one.value for one in mixed if one.cell == "one"}
    assert values["own neighbours"] == pytest.approx(values["own neighbours by chance"], abs=0.12)
    assert values["own neighbours by chance"] == pytest.approx(29 / 59)


def test_the_map_of_questions_has_two_panels_and_a_seed(tmp_path: Path) -> None:
    pytest.importorskip("sklearn")
    project = make(tmp_path, "items")
    words = {"spatial": "Where is the {} circle?", "temporal": "When does the {} square jump?"}
    lines = [
        {
            "item_id": f"{mode}-{number}",
            "video": "a.mp4",
            "mode": mode,
            "question": text.format(f"colour{number}"),
            "options": ["a", "b"],
            "answer_index": 0,
        }
        for mode, text in words.items()
        for number in range(12)
    ]
    (tmp_path / "files").write_text("\n".join(map(json.dumps, lines)))
    analysis = question_map.analyse(project)
    assert analysis.measured == question_map.analyse(project).measured
    own = {one.cell: one.value for one in analysis.measured if one.measure == "own neighbours"}
    assert all(value is not None and value >= 0.9 for value in own.values())
    assert "<svg" in render(analysis.report)


@pytest.mark.parametrize("name", sorted(ANALYSES))
def test_an_analysis_of_an_empty_project_says_what_is_missing(name: str, tmp_path: Path) -> None:
    with pytest.raises(UserError) as found:
        run_analysis(make(tmp_path, "items"), name, OneEngine(CountingEngine()))
    assert len(str(found.value)) > 20


def judged(mode: str, said: str | None, number: int) -> dict[str, Any]:
    known = {"pair_id": f"{mode}{number}", "row_key": f"{mode}{number}", "video_id": f"v{number}", "adv_mode": mode}
    return {**known, "judged_mode": said, "readable_mode": mode, "judge": "judge@1", "hit": said == mode}


def test_targeting_counts_an_unreadable_reply_as_a_miss(tmp_path: Path) -> None:
    project = make(tmp_path, "items")
    rows = [judged("spatial", "spatial", 0), judged("spatial", None, 1), judged("temporal", "none", 2)]
    put(project, "oracle_targeting", "s000000", rows)
    analysis = targeting.analyse(project)
    values = {(one.scope, one.measure): (one.value, one.items) for one in analysis.measured}
    assert values["spatial", "judge"] == (0.5, 2)
    assert values["temporal", "judge"] == (0.0, 1)
    assert values["all", "readable"] == (1.0, 3)
    assert ("cross_frame", "judge") not in values, "there are none"
    page = render(analysis.report)
    assert "<svg" in page and "96.1" in page
