"""The toy world's own benchmarks of order: what is right is right, and whoever does not look gets nothing."""

import itertools
import json
import random
from collections import defaultdict
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import pytest

from tests.analyses.test_analyses import answered
from videopasta_assets.analyses import order_probe, timewar_drop, toyworld_order
from videopasta_assets.evaluation import PUBLISHED, BenchmarkItem, load_items
from videopasta_assets.evaluation.benchmark import Benchmark
from videopasta_assets.toyworld.claims import parse_sentence
from videopasta_assets.toyworld.facts import holds
from videopasta_assets.toyworld.scene import Scene
from videopasta_assets.toyworld.splits import scenes
from videopasta_assets.video.guard import MediaLimits
from videopasta_assets.video.worker import probe_safely

SCENES = [scene for scene, _ in islice(scenes(toyworld_order.SPLIT, toyworld_order.SEED), 40)]


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> list[BenchmarkItem]:
    folder = tmp_path_factory.mktemp("order")
    return load_items(toyworld_order.write_order_probe(folder / "data", folder / "truth", 8))


@pytest.fixture(scope="module")
def timewar(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("timewar")
    return toyworld_order.write_timewar(folder / "data", folder / "truth", 8, MediaLimits())


def true_options(scene: Scene, options: list[str]) -> list[int]:
    found = []
    for place, option in enumerate(options):
        sentence = parse_sentence(option)
        assert sentence is not None, option
        if holds(sentence.core, scene):
            found.append(place)
    return found


def test_exactly_one_sentence_of_a_statement_is_true_of_its_scene() -> None:
    count = 0
    for number, scene in enumerate(SCENES):
        for item in toyworld_order.statements(str(number), scene):
            options = item["options"]
            assert isinstance(options, list)
            assert true_options(scene, options) == [item["answer_index"]]
            count += 1
    assert count > 40 and count % 4 == 0


def says(word: str) -> Callable[[BenchmarkItem], int]:
    return lambda item: next(place for place, option in enumerate(item.options) if f", {word} it" in option)


@pytest.mark.parametrize(
    ("answer", "right"),
    [
        (lambda item: 0, 0.0),
        (lambda item: 1, 0.0),
        (says("before"), 0.0),
        (says("after"), 0.0),
        (lambda item: item.answer_index, 1.0),
    ],
    ids=["first", "second", "before", "after", "truth"],
)
def test_constant_answers_get_nothing(
    answer: Callable[[BenchmarkItem], int], right: float, probe: list[BenchmarkItem]
) -> None:
    rows = [{**row, "form": "choice"} for row in answered(probe, answer)]
    measured = order_probe.shares("base", "order", rows)
    assert {one.value for one in measured if one.measure == "right"} <= {right, None}
    assert any(one.items for one in measured if one.measure == "right")
    first = next(one for one in measured if one.measure == "chose the first")
    assert first.value in (0.0, 0.5, 1.0)


def test_statements_come_in_fours_of_a_video_bucket_and_direction(probe: list[BenchmarkItem]) -> None:
    groups = defaultdict(list)
    for item in probe:
        groups[item.group].append(item.answer_index)
    assert all(sorted(answers) == [0, 0, 1, 1] for answers in groups.values())


def test_a_question_of_timewar_has_one_right_option_in_each_order() -> None:
    """Where a flash comes to lie is worked out here once more, from the pieces alone."""
    seen = 0
    for scene in SCENES:
        rng = random.Random(scene.identity)
        pieces = toyworld_order.pieces_of(scene, rng)
        assert pieces[0][0] == 0 and pieces[-1][1] == scene.duration
        if len(pieces) < 2:
            continue
        order = tuple(reversed(range(len(pieces))))
        shown = [pieces[place] for place in order]
        for _, options, (normal, shuffled) in toyworld_order.questions(scene, pieces, order, rng):
            assert true_options(scene, options) == [normal]
            told = parse_sentence(options[shuffled])
            assert told is not None
            now, moved = 0.0, {}
            for start, end in shown:
                for thing in scene.things:
                    if start <= thing.flash < end:
                        moved[thing.name] = now + thing.flash - start
                now += end - start
            asked, other = moved[told.core["x"]], moved[told.core["y"]]
            assert told.core.kind == ("before" if asked < other else "after")
            assert abs(float(told.core["s"]) - asked) <= 0.5
            assert abs(float(told.core["r"]) - other) <= 0.5
            seen += 1
    assert seen > 5


def test_no_event_crosses_a_cut() -> None:
    for scene in SCENES:
        for (_, cut), _ in itertools.pairwise(toyworld_order.pieces_of(scene, random.Random(0))):
            assert not any(thing.flash <= cut <= thing.flash + scene.slot for thing in scene.things)


def test_timewar_is_written_as_it_is_published(timewar: Path) -> None:
    benchmark: Benchmark = PUBLISHED["timewar"]
    items = benchmark.items(timewar)
    assert not any(item.flaw for item in items)
    by_variant = {variant: [i for i in items if i.category == variant] for variant in ("normal", "shuffled")}
    assert len(by_variant["normal"]) == len(by_variant["shuffled"]) > 5
    assert {item.facet("answer changed") for item in by_variant["shuffled"]} == {"yes", "no"}
    for item in items:
        assert (timewar / item.video).is_file()
    name = Path(items[0].video).name
    source_name = f"{name.rsplit('-', 1)[0]}.mp4"
    normal, shuffled, source = (
        probe_safely(timewar / file, (timewar,), MediaLimits())
        for file in (f"normal_videos/{name}", f"shuffled_videos/{name}", f"source_videos/{source_name}")
    )
    assert normal.total_frames == shuffled.total_frames == source.total_frames, "the same pieces, each frame of them"


def test_who_watches_the_original_only_drops_where_the_answer_changes(timewar: Path) -> None:
    items = PUBLISHED["timewar"].items(timewar)
    original = {item.group: item.answer_index for item in items if item.category == "normal"}
    rows = answered(items, lambda item: original[item.group])
    values = {(one.scope, one.measure): one.value for one in timewar_drop.drops("base", "timewar", rows, 0)}
    assert values["answer changed", "drop"] == 1.0
    assert values["answer kept", "drop"] == 0.0


def test_what_was_written_is_kept(timewar: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in timewar.rglob("*.mp4")}
    written = json.loads((timewar / "timewar_normal_benchmark.json").read_text())
    toyworld_order.write_timewar(timewar, timewar.parent / "truth", 8, MediaLimits())
    assert {path: path.stat().st_mtime_ns for path in timewar.rglob("*.mp4")} == before
    assert json.loads((timewar / "timewar_normal_benchmark.json").read_text()) == written
