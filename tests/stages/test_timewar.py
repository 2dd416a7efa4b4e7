"""TimeWar from held-out videos: items in both orders, disjoint from training, in the published layout."""

import json

import pytest

from tests.stages.conftest import Bench
from tests.stages.test_timewarp_explicit import QUESTIONS, explicit  # noqa: F401 - a fixture
from videopasta_assets.engines import Request
from videopasta_assets.errors import UserError
from videopasta_assets.evaluation.published import timewar as published
from videopasta_assets.stages.altered_videos import is_held_out
from videopasta_assets.stages.timewar import write_timewar

OPTIONS = ["part one", "part two", "part three", "nothing"]


@pytest.fixture
def benchmark(explicit: Bench) -> Bench:  # noqa: F811
    """A project that holds out some of its three videos, and a text model that writes and answers items."""
    usual = explicit.engine._answer

    def answer(request: Request) -> str:
        if request.prompt.template == "timewarp_explicit/multiple_choice":
            item = {"question": "What is first?", "options": OPTIONS, "answer": 1}
            return json.dumps([{**item, "question": f"{item['question']} {n}"} for n in range(3)])
        if request.prompt.template == "timewarp_explicit/choose":
            return (
                "Answer: 2. part two"
                if request.prompt.text.rstrip()[-1:] and "first? 0" in request.prompt.text
                else "1"
            )
        return usual(request)

    explicit.engine._answer = answer  # type: ignore[method-assign]
    explicit.edit("answers: captions}", "answers: captions, held_out: 0.5}")
    return explicit


def test_both_variants_load_as_published_and_share_no_video_with_pairs(benchmark: Bench) -> None:
    benchmark.run()
    project = benchmark.project
    videos = {str(row["video_id"]) for row in benchmark.rows("scenes")}
    held = {video for video in videos if is_held_out(project, video)}
    assert held and held != videos, "the three videos' hashes fall on both sides"
    assert {row["video_id"] for row in benchmark.rows("verified_pairs")} == videos - held
    made = write_timewar(project, benchmark.root / "out")
    assert (made.items, made.videos, made.changed, made.failed) == (3 * len(held), len(held), len(held), 0)
    pairs = len(benchmark.rows("verified_pairs"))
    checked = made.held_out
    assert (checked.recipes, checked.pairs, checked.shared) == (("timewarp_explicit",), pairs, ())
    assert checked.training_videos == len(videos - held)
    about = (benchmark.root / "out" / "ABOUT.md").read_text()
    assert f"among the {len(videos - held)} of {pairs} pairs (timewarp_explicit)" in about
    assert "item 25 %" in about and "group score 6.25 %, group score, as TimeWarp prints it 12.5 %" in about
    files = sorted((benchmark.root / "out").glob("*.json"))
    items = published.load(files, False)
    assert len(items) == 6 * len(held) and not any(item.flaw for item in items)
    assert all((benchmark.root / "out" / item.video).is_file() for item in items)
    shuffled = [item for item in items if item.category == "shuffled"]
    assert sorted({item.facet("answer changed") for item in shuffled}) == ["no", "yes"]


def test_a_pair_about_a_held_out_video_stops_the_benchmark(benchmark: Bench) -> None:
    benchmark.edit("held_out: 0.5", "held_out: 0.0")
    benchmark.run()
    with pytest.raises(UserError, match="no video is held out"):
        write_timewar(benchmark.project, benchmark.root / "out")
    pairs = benchmark.project.lake.rows(benchmark.project.address("verified_pairs", "s000000"))
    other = benchmark.project.address("verified_pairs", "s000000")
    benchmark.edit("held_out: 0.0", "held_out: 0.5")
    benchmark.run()
    lake = benchmark.project.lake
    lake.write(type(other)("verified_pairs", "videosavi", "s000000"), pairs, {})
    held = {str(row["video_id"]) for row in benchmark.rows("timewar_items")}
    if held & {row["video_id"] for row in pairs}:
        with pytest.raises(UserError, match="recipe 'videosavi' is about the held-out video"):
            write_timewar(benchmark.project, benchmark.root / "out")
