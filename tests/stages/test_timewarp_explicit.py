"""TimeWarp-Explicit on real videos with real cuts: scenes, altered files, and pairs from two orders."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.fakes.cut_videos import write_cut_video
from tests.stages.conftest import Bench
from videopasta_assets.engines import Request
from videopasta_assets.stages.altered_videos import altered_clip
from videopasta_assets.stages.lora_checkpoint import training_pairs
from videopasta_assets.toyworld.folder import write_folder
from videopasta_assets.video.clip import load_frames

QUESTIONS = [{"question": f"What comes {n}?", "answer": f"In the beginning, {n}."} for n in ("first", "second", "last")]


COMPACT = "query_writer: {model: some-model, prompt_style: compact}"


def clock(seconds: float) -> str:
    return f"00:{int(seconds // 60):02d}:{seconds % 60:06.3f}"


def finevideo(bounds: list[tuple[float, float]]) -> str:
    """Annotations in FineVideo's layout, two activities a scene."""
    scenes = [
        {
            "activities": [
                {
                    "description": f"Part {n} opens.",
                    "timestamp": {"start_timestamp": clock(s), "end_timestamp": clock(e)},
                },
                {
                    "description": f"Part {n} goes on.",
                    "timestamp": {"start_timestamp": clock(s), "end_timestamp": clock(e)},
                },
            ]
        }
        for n, (s, e) in enumerate(bounds, 1)
    ]
    return json.dumps({"content_metadata": {"scenes": [*scenes, {"activities": []}]}})


@pytest.fixture
def explicit(bench: Bench) -> Bench:
    """Three videos of scenes and a text model that answers from captions."""
    for path in (bench.root / "videos").iterdir():
        path.unlink()
    lengths_of: list[list[float]] = [[2, 1], [1, 2, 1.5], [3, 1, 1, 1]]
    for number, lengths in enumerate(lengths_of):
        write_cut_video(bench.root / "videos" / f"v{number}.mp4", lengths, seed=number)
    bench.edit(
        "recipe: {queries_per_video: 3, max_attempts: 2, prompts: prompts}",
        "recipe: {name: timewarp_explicit, contrast: words, "
        "timewarp_explicit: {annotations: notes, answers: captions}}",
    )
    bench.edit(COMPACT, "query_writer: {model: some-model}")
    notes = bench.root / "notes"
    notes.mkdir()
    annotated: list[list[tuple[float, float]]] = [
        [(0, 2), (2, 3)],
        [(0, 1), (1.2, 3), (3, 4.5)],
        [(0, 3), (3, 4), (4, 5), (5, 6)],
    ]
    for number, bounds in enumerate(annotated):
        (notes / f"v{number}.json").write_text(finevideo(bounds))
    usual = bench.engine._answer

    def answer(request: Request) -> str:
        if request.prompt.template == "timewarp_explicit/questions":
            return json.dumps(QUESTIONS)
        return f"Answer: {usual(request)}" if request.prompt.template == "timewarp_explicit/answer" else usual(request)

    bench.engine._answer = answer  # type: ignore[method-assign]
    return bench


def test_both_files_are_built_from_the_same_scenes(explicit: Bench) -> None:
    explicit.run()
    rows = explicit.rows("altered_videos")
    assert len(rows) == 6
    project = explicit.project
    for video in {row["video_id"] for row in rows}:
        original, altered = sorted(
            (row for row in rows if row["video_id"] == video), key=lambda row: row["scene_order"] != "original"
        )
        assert altered["scene_order"] in ("reversed", "shuffled")
        assert original["duration"] == pytest.approx(altered["duration"], abs=1e-6)
        assert original["total_frames"] == altered["total_frames"] and original["file_id"] != altered["file_id"]
        first, second = (json.loads(str(row["timeline"])) for row in (original, altered))
        assert sorted(scene["scene"] for scene in second) == [scene["scene"] for scene in first]
        assert first != second and second[0]["start"] == 0
        by_scene = {scene["scene"]: scene for scene in first}
        for scene in second:
            same = by_scene[scene["scene"]]
            assert (same["source_start"], same["source_end"]) == (scene["source_start"], scene["source_end"])
            assert scene["end"] - scene["start"] == pytest.approx(scene["source_end"] - scene["source_start"])
        clips = [load_frames(altered_clip(project, row), project.reader) for row in (original, altered)]
        colours = [np.round(clip[:, 0, 0].astype(float) / 85).tolist() for clip in clips]
        assert colours[0] != colours[1] and {tuple(c) for c in colours[0]} == {tuple(c) for c in colours[1]}


def test_the_same_question_is_answered_from_both_captions(explicit: Bench) -> None:
    explicit.run()
    pairs = explicit.rows("verified_pairs")
    assert len(pairs) == 9 and explicit.engine.calls["timewarp_explicit"] == 3 + 9, "one call asks three questions"
    assert {row["chosen"] for row in pairs} == {item["answer"] for item in QUESTIONS}
    assert not any("Answer:" in str(row["rejected"]) for row in pairs)
    assert {row["adv_strategy"] for row in pairs} <= {"reversed", "shuffled"}
    captions = {(row["video_id"], row["scene_order"]): row["caption"] for row in explicit.rows("altered_videos")}
    for request in explicit.engine.requests:
        if request.prompt.template == "timewarp_explicit/answer":
            shown = [order for (_, order), caption in captions.items() if str(caption) in request.prompt.text]
            assert shown and "original" not in shown
            assert request.clip is None


def test_training_shows_the_rebuilt_original(explicit: Bench) -> None:
    explicit.run()
    project = explicit.project
    originals = {row["file_id"]: row for row in explicit.rows("altered_videos") if row["scene_order"] == "original"}
    shards = project.lake.shards_of("verified_pairs", project.recipe)
    members = tuple(
        {**row, "pair_shard": shard}
        for shard in shards
        for row in project.lake.rows(project.address("verified_pairs", shard))
    )
    pairs = training_pairs(project, members)
    assert pairs and {pair.clip.video_id for pair in pairs} == set(originals)
    for pair, member in zip(pairs, members, strict=True):
        assert list(pair.clip.plan.indices) == member["dense_frames"]


def test_nothing_is_asked_twice_and_a_changed_annotation_reaches_its_video_alone(explicit: Bench) -> None:
    explicit.run()
    explicit.engine.forget()
    explicit.run()
    assert not explicit.engine.requests
    (explicit.root / "notes" / "v2.json").write_text(finevideo([(0, 3), (3, 5)]))
    explicit.run()
    asked = [request.prompt.template for request in explicit.engine.requests]
    assert asked.count("timewarp_explicit/questions") == 1


@pytest.mark.parametrize(
    ("bounds", "sentence"),
    [
        ([(0, 2), (1, 3)], "scenes 1 and 2 overlap"),
        ([(0, 2), (2, 2)], "scene 2 has no length"),
        ([(0, 2), (2, 90)], "not this video's"),
        ([(0, 2)], "nothing can be reordered"),
    ],
)
def test_annotations_that_do_not_fit_are_an_error_row(
    explicit: Bench, bounds: list[tuple[float, float]], sentence: str
) -> None:
    (explicit.root / "notes" / "v0.json").write_text(finevideo(bounds))
    (explicit.root / "notes" / "v1.json").unlink()
    explicit.run()
    errors = sorted(str(row["error"]) for row in explicit.rows("scenes") if row["error"])
    assert len(errors) == 2 and any(sentence in error for error in errors)
    assert any("no annotations" in error for error in errors)
    assert len(explicit.rows("verified_pairs")) == 3


def test_a_reply_with_another_number_of_questions_fails_them_all(explicit: Bench) -> None:
    explicit.engine._answer = lambda request: json.dumps(QUESTIONS[:2])  # type: ignore[method-assign]
    explicit.run()
    assert all("does not hold 3 questions" in str(row["error"]) for row in explicit.rows("queries"))
    assert not explicit.rows("verified_pairs")


def test_detected_scenes_and_answers_from_the_videos(explicit: Bench) -> None:
    pytest.importorskip("scenedetect")
    explicit.edit(
        "timewarp_explicit: {annotations: notes, answers: captions}",
        "timewarp_explicit: {detector_threshold: 10}, prompts: prompts",
    )
    explicit.edit("query_writer: {model: some-model}", COMPACT)
    (Path(explicit.root) / "prompts" / "caption.j2").write_text("caption: {{ duration }}")
    explicit.run()
    counts = {row["count"] for row in explicit.rows("scenes")}
    assert counts == {2, 3, 4}
    pairs = explicit.rows("verified_pairs")
    assert len(pairs) == 9
    clips = {
        request.clip.video_id
        for request in explicit.engine.requests
        if request.clip is not None and request.prompt.template == "aligned/temporal"
    }
    assert clips == {row["file_id"] for row in explicit.rows("altered_videos")}


def test_toyworld_is_annotated_and_a_compact_model_is_asked_one_question_at_a_time(explicit: Bench) -> None:
    for path in (explicit.root / "videos").iterdir():
        path.unlink()
    write_folder(explicit.root / "videos", explicit.root / "truth", 2, 0, "pairs", explicit.root / "notes")
    explicit.edit("query_writer: {model: some-model}", COMPACT)
    explicit.engine._answer = type(explicit.engine)._answer.__get__(explicit.engine)  # type: ignore[method-assign]
    explicit.run()
    scenes = explicit.rows("scenes")
    assert len(scenes) == 2 and all(row["error"] is None for row in scenes)
    first = json.loads(str(scenes[0]["scenes"]))
    assert first[0]["start"] == 0 and first[0]["text"].startswith("The setting is ")
    queries = explicit.rows("queries")
    assert len({row["query"] for row in queries}) == 6
    assert {row["query_category"] for row in queries} > {"event_ordering"}, "each asks about something else"
    answered = [request for request in explicit.engine.requests if request.prompt.template.endswith("/answer")]
    assert len(answered) == 12, "from the original caption and from the altered one"
    assert len(explicit.rows("verified_pairs")) == 6
