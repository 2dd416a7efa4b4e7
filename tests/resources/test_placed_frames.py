"""Frames from elsewhere: the same ones, and the same reasons where there are none."""

from pathlib import Path

import numpy as np
import pytest

from resources.placed_frames import FrameKey, PlacedFrames, decoded
from tests.fakes.bench_project import BenchProject
from videopasta_assets.stages import sampled_videos, videos
from videopasta_assets.stages.landing import land
from videopasta_assets.stages.project import good_rows
from videopasta_assets.video.clip import Clip, load_frames
from videopasta_assets.video.guard import UnreadableVideo


@pytest.fixture
def clip(tmp_path: Path) -> tuple[BenchProject, Clip]:
    bench = BenchProject.make(tmp_path, videos=1)
    land(bench.project)
    videos.run(bench.project, "s000000")
    sampled_videos.run(bench.project, "s000000")
    row = next(good_rows(bench.project, "sampled_videos", "s000000"))
    return bench, sampled_videos.clip_of(bench.project, row, "dense")


def test_an_engine_sees_what_it_would_have_read(clip: tuple[BenchProject, Clip]) -> None:
    bench, one = clip
    frames = decoded(bench.project.settings, one)
    assert isinstance(frames, np.ndarray)
    assert np.array_equal(frames, load_frames(one, bench.project.reader))
    reader = PlacedFrames(bench.project.reader)
    marked = frames.copy()
    marked[:] = 7
    with reader.placed({FrameKey(one.path, one.plan.indices): marked}):
        assert (load_frames(one, reader) == 7).all()
        assert np.array_equal(reader.read(one.path, [0]), bench.project.reader.read(one.path, [0]))  # not placed
    assert np.array_equal(load_frames(one, reader), frames)
    assert reader.name == bench.project.reader.name


def test_why_a_file_cannot_be_read_travels_too(clip: tuple[BenchProject, Clip]) -> None:
    bench, one = clip
    one.path.unlink()
    why = decoded(bench.project.settings, one)
    assert isinstance(why, str)
    reader = PlacedFrames(bench.project.reader)
    with (
        reader.placed({FrameKey(one.path, one.plan.indices): why}),
        pytest.raises(UnreadableVideo) as raised,
    ):
        load_frames(one, reader)
    assert raised.value.reason == why
