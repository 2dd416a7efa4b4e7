"""Laws of scene timelines, and annotations in either layout."""

import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videopasta_assets.errors import UserError
from videopasta_assets.recipes.scene_annotations import load_annotations, parse_annotations, seconds_of
from videopasta_assets.recipes.timeline import (
    Scene,
    SceneOrder,
    check_scenes,
    combined_caption,
    order_of,
    reorder,
    timeline,
    trimmed,
)


def scenes(*lengths: float) -> tuple[Scene, ...]:
    starts = [sum(lengths[:index]) for index in range(len(lengths))]
    return tuple(Scene(s, s + d, f"part {n}") for n, (s, d) in enumerate(zip(starts, lengths, strict=True)))


@given(st.integers(2, 12), st.integers(0, 2**31))
def test_an_order_is_another_one_and_stays_the_same(count: int, seed: int) -> None:
    drawn = reorder(count, seed)
    assert sorted(drawn) == list(range(count)) and drawn != tuple(range(count))
    assert drawn == reorder(count, seed)
    assert order_of(drawn) in (SceneOrder.REVERSED, SceneOrder.SHUFFLED)
    if count == 2:
        assert order_of(drawn) is SceneOrder.REVERSED


@given(st.lists(st.floats(0.01, 50), min_size=2, max_size=8), st.integers(0, 99))
def test_both_timelines_are_of_one_length_and_have_no_gaps(lengths: list[float], seed: int) -> None:
    whole = scenes(*lengths)
    original, altered = (timeline(whole, order) for order in (range(len(whole)), reorder(len(whole), seed)))
    assert original[-1].end == pytest.approx(altered[-1].end)
    for placed in (original, altered):
        assert placed[0].start == 0
        assert all(one.end == other.start for one, other in pairwise(placed))
    assert sorted(combined_caption(original).split()) == sorted(combined_caption(altered).split())


def test_the_first_scene_over_the_limit_ends_the_walk() -> None:
    assert len(trimmed(scenes(60, 45, 1, 10))) == 2
    assert trimmed(scenes(106, 1)) == ()
    with pytest.raises(UserError, match="no other order"):
        reorder(1, 0)


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        ((Scene(0, 2, "a"), Scene(1.5, 3, "b")), "overlap"),
        ((Scene(2, 2, "a"),), "no length"),
        ((Scene(0, 2, " "),), "no text"),
        ((Scene(-1, 2, "a"),), "no valid times"),
        ((Scene(0, float("nan"), "a"),), "no valid times"),
        ((Scene(0, 20, "a"),), "not this video's"),
    ],
)
def test_scenes_that_cut_no_video(broken: tuple[Scene, ...], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        check_scenes(broken, 10.0)


def test_floats_stay_floats() -> None:
    check_scenes((Scene(0.2, 0.7, "a"), Scene(0.7, 0.95, "b")), 1.0)
    assert seconds_of("00:01:02.345") == pytest.approx(62.345) and seconds_of("01:02") == 62


@pytest.mark.parametrize(
    "data",
    [{}, [], {"content_metadata": {}}, {"scenes": [{"start": 0}]}, {"content_metadata": {"scenes": [{}]}}],
)
def test_what_is_no_annotation_says_so(data: object) -> None:
    with pytest.raises(UserError):
        parse_annotations(data)


def test_a_file_is_named_in_its_error(tmp_path: Path) -> None:
    file = tmp_path / "v.json"
    activity = {"description": "x", "timestamp": {"start_timestamp": "soon", "end_timestamp": "00:00:02.0"}}
    file.write_text(json.dumps({"content_metadata": {"scenes": [{"activities": [activity]}]}}))
    with pytest.raises(UserError, match=r"v\.json: scene 1: 'soon' is no time"):
        load_annotations(file)
    file.write_text("{")
    with pytest.raises(UserError, match=r"v\.json: the annotations are no JSON"):
        load_annotations(file)


def test_annotations_of_another_video_are_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "v.json"
    scenes = [{"start": 0, "end": 2, "text": "a"}, {"start": 2, "end": 3.8, "text": "b"}]
    for stated in ({"duration": 4.0}, {"duration_seconds": 4}, {}):
        file.write_text(json.dumps({"scenes": scenes, **stated}))
        assert len(load_annotations(file, 4.3)) == 2
    file.write_text(json.dumps({"captions": scenes, "duration": 4.0}))
    with pytest.raises(UserError, match=r"v\.json: the annotations are for a video of 4 s and this one has 16\.00 s"):
        load_annotations(file, 16.0)
    with pytest.raises(UserError, match=r"v\.json: scene 2 ends at 4 s and the video at 3\.20 s"):
        load_annotations(file, 3.2)


def caption(start: float, text: str = "it moves") -> dict[str, object]:
    return {"start": start, "end": start + 1.0, "text": text}


def test_timed_captions_cut_a_video_where_events_start() -> None:
    events = [caption(3.0, "c"), caption(0.4, "a"), caption(3.2, "d"), caption(1.5, "b"), caption(7.8, "e")]
    scenes = parse_annotations({"captions": events, "duration": 8.0})
    assert [(scene.start, scene.end, scene.text) for scene in scenes] == [
        (0.0, 1.5, "a"),
        (1.5, 3.0, "b"),
        (3.0, 8.0, "c d e"),
    ]


@given(st.lists(st.floats(0, 59.9), min_size=1, max_size=12))
def test_scenes_of_timed_captions_fill_the_video_and_keep_every_sentence(starts: list[float]) -> None:
    texts = [f"event {number}" for number in range(len(starts))]
    events = [caption(start, text) for start, text in zip(starts, texts, strict=True)]
    scenes = parse_annotations({"captions": events, "duration": 60.0})
    check_scenes(scenes, 60.0)
    assert scenes[0].start == 0 and scenes[-1].end == 60
    assert all(first.end == second.start for first, second in pairwise(scenes))
    assert sorted(re.findall(r"event \d+", " ".join(scene.text for scene in scenes))) == sorted(texts)


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ({"captions": [caption(1.0)]}, "want the video's duration"),
        ({"captions": [caption(1.0)], "duration": "long"}, "want the video's duration"),
        ({"captions": [caption(9.0)], "duration": 8.0}, "starts outside the video"),
        ({"captions": [{"start": 1.0}], "duration": 8.0}, "caption 1 wants start, end and text"),
    ],
)
def test_timed_captions_that_fit_no_video_are_refused(data: dict[str, object], sentence: str) -> None:
    with pytest.raises(UserError, match=sentence):
        parse_annotations(data)
