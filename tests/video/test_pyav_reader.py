"""Every delivered frame is the one that was asked for, on files that trip other readers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Never

import numpy as np
import pytest

from tests.video.footage import HEIGHT, WIDTH, Footage, cut_without_encoding, numbers_in
from videopasta_assets.video import pyav_reader
from videopasta_assets.video.guard import MediaLimits, UnreadableVideo
from videopasta_assets.video.index import packets
from videopasta_assets.video.probe import VideoInfo, probe
from videopasta_assets.video.pyav_reader import PyavReader, fitted_size

VARIABLE = [sum((17, 33, 100, 34)[step % 4] for step in range(frame)) for frame in range(60)]
GROUPS = {"g": "12", "bf": "2"}
QUIET = "log-level=none"

FOOTAGE = [
    Footage("b_frames.mp4", options=GROUPS),
    Footage("long_group.mp4", frames=300, options={"g": "250", "bf": "3", "b-pyramid": "normal"}),
    Footage("variable_rate.mp4", times=VARIABLE, options=GROUPS),
    Footage("variable_rate.mkv", times=VARIABLE, options=GROUPS),
    Footage("turned_90.mp4", rotation=90),
    Footage("turned_180.mp4", rotation=180),
    Footage("turned_270.mp4", rotation=270),
    Footage("mpeg4.mp4", "mpeg4", options=GROUPS),
    Footage("mpeg4.avi", "mpeg4", options=GROUPS),
    Footage("mpeg4.mkv", "mpeg4", options=GROUPS),
    Footage("vp9.webm", "libvpx-vp9", options={"g": "24", "lag-in-frames": "16", "cpu-used": "8"}),
    Footage("vp8.webm", "libvpx", options={"g": "24", "auto-alt-ref": "1", "lag-in-frames": "16"}),
    Footage("av1.mkv", "libsvtav1", frames=36, options={"preset": "12", "g": "12", "crf": "15"}),
    Footage("open_group_h265.mp4", "libx265", options={"x265-params": f"{QUIET}:keyint=12:open-gop=1"}),
    Footage("ten_bit.mp4", "libx265", pixel_format="yuv420p10le", options={"x265-params": QUIET}),
    Footage("open_group.mp4", options=GROUPS | {"x264-params": "open-gop=1"}),
    Footage("open_group.mkv", options=GROUPS | {"x264-params": "open-gop=1"}),
    Footage("intra_refresh.mkv", options={"g": "12", "x264-params": "intra-refresh=1"}),
    Footage("stream.ts", options=GROUPS),
    Footage("stream.flv", options=GROUPS),
    Footage("stream.avi", options=GROUPS),
    Footage("stream.mpg", "mpeg2video", options=GROUPS),
    Footage("stream.wmv", "wmv2"),
    Footage("animated.gif", "gif", pixel_format="rgb8"),
    Footage("alpha.webm", "libvpx-vp9", pixel_format="yuva420p", options={"cpu-used": "8"}),
    Footage("late_start.mkv", start=300, options=GROUPS),
    Footage("fragments.mp4", options=GROUPS, container_options={"movflags": "frag_keyframe+empty_moov"}),
    Footage("one_frame.mp4", frames=1),
]
AV1 = Footage("av1_all.mkv", "libsvtav1", options={"preset": "12", "g": "12", "crf": "15"})


@pytest.mark.parametrize("footage", FOOTAGE, ids=lambda footage: footage.name)
def test_frames_are_exact(footage: Footage, tmp_path: Path) -> None:
    path = footage.write(tmp_path)
    info = probe(path, [tmp_path])
    assert info.total_frames == footage.frames
    assert (info.width, info.height) == (WIDTH, HEIGHT)
    _check_exact(path, info, first=0)


@pytest.mark.parametrize("footage", [FOOTAGE[0], FOOTAGE[1], FOOTAGE[13]], ids=lambda footage: footage.name)
def test_frames_of_a_clip_that_was_cut_without_encoding_are_exact(footage: Footage, tmp_path: Path) -> None:
    path = cut_without_encoding(footage.write(tmp_path), tmp_path / "cut.mp4", first=17)
    info = probe(path, [tmp_path])
    assert info.total_frames == footage.frames - 17
    _check_exact(path, info, first=17)


def _check_exact(path: Path, info: VideoInfo, first: int) -> None:
    """All frames, every seventh, and single ones from the end; planned and sequential alike."""
    planned = PyavReader([path.parent])
    every, some = range(info.total_frames), range(0, info.total_frames, 7)
    seconds = info.pts.tolist()
    frames = planned.read(path, every, timestamps=seconds)
    assert numbers_in(frames) == [first + index for index in every]
    apart = planned.read(path, some)
    assert np.array_equal(apart, frames[::7])
    assert np.array_equal(apart, PyavReader([path.parent], order="sequential").read(path, some))
    for index in (info.total_frames - 1, info.total_frames // 2, 0):
        assert np.array_equal(planned.read(path, [index])[0], frames[index])


def test_the_timestamps_are_those_of_the_file(tmp_path: Path) -> None:
    path = Footage("variable.mp4", times=VARIABLE, options=GROUPS).write(tmp_path)
    assert probe(path, [tmp_path]).pts * 1000 == pytest.approx(VARIABLE, abs=0.51)


def test_order_and_repeats_are_kept(clips: Path) -> None:
    frames = PyavReader([clips]).read(clips / "good.mp4", [90, 3, 3, 60])
    assert frames.shape == (4, HEIGHT, WIDTH, 3)
    assert numbers_in(frames) == [90, 3, 3, 60]


def test_threads_do_not_change_pixels(clips: Path) -> None:
    one, four = (PyavReader([clips], threads=threads).read(clips / "good.mp4", range(0, 120, 9)) for threads in (1, 4))
    assert np.array_equal(one, four)


def test_frames_shrink_but_never_grow(clips: Path) -> None:
    small = PyavReader([clips]).read(clips / "good.mp4", [5, 100], max_side=64)
    assert small.shape == (2, 48, 64, 3)
    assert numbers_in(small) == [5, 100]
    assert PyavReader([clips]).read(clips / "good.mp4", [5], max_side=4096).shape == (1, HEIGHT, WIDTH, 3)
    assert fitted_size(1920, 1, 192) == (192, 1)


@pytest.mark.parametrize(
    "name", ["b_frames.mp4", "open_group.mkv", "open_group_h265.mp4", "vp9.webm", "variable_rate.mkv", "av1_all.mkv"]
)
def test_the_plan_works_without_its_fallback(name: str, tmp_path: Path) -> None:
    class NoFallback(PyavReader):
        def _sequential(self, *arguments: object) -> Never:
            raise AssertionError("the plan failed")

    path = next(footage for footage in (*FOOTAGE, AV1) if footage.name == name).write(tmp_path)
    assert numbers_in(NoFallback([tmp_path]).read(path, [1, 29, 30, 59])) == [1, 29, 30, 59]


def test_only_the_group_that_holds_the_target_is_decoded(clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fed: list[int | None] = []

    def counted(*arguments: object) -> Iterator[object]:
        for packet in packets(*arguments):  # type: ignore[arg-type]
            fed.append(packet.pts)
            yield packet

    monkeypatch.setattr(pyav_reader, "packets", counted)
    assert numbers_in(PyavReader([clips]).read(clips / "good.mp4", [65, 119])) == [65, 119]
    assert len(fed) <= 12 + 31


def test_a_keyframe_is_read_by_decoding_it_alone(clips: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Although the file has B-frames, for whose sake the decoder holds frames back."""
    info = probe(clips / "good.mp4", [clips])
    assert info.keyframes == (0, 30, 60, 90)
    fed: list[int | None] = []

    def counted(*arguments: object) -> Iterator[object]:
        for packet in packets(*arguments):  # type: ignore[arg-type]
            fed.append(packet.pts)
            yield packet

    monkeypatch.setattr(pyav_reader, "packets", counted)
    assert numbers_in(PyavReader([clips]).read(clips / "good.mp4", info.keyframes)) == list(info.keyframes)
    assert len(fed) == len(info.keyframes)


@pytest.mark.parametrize(
    ("indices", "timestamps", "reason"),
    [
        ([120], None, "frame 120 does not exist: the video has 120 frames"),
        ([-1], None, "does not exist"),
        ([], None, "no frames"),
        ([3], [0.2], "the file changed since"),
    ],
)
def test_wrong_requests_are_refused(
    clips: Path, indices: list[int], timestamps: list[float] | None, reason: str
) -> None:
    with pytest.raises(UnreadableVideo, match=reason):
        PyavReader([clips]).read(clips / "good.mp4", indices, timestamps=timestamps)


def test_a_read_that_would_fill_the_memory_is_refused(clips: Path) -> None:
    with pytest.raises(UnreadableVideo, match="too much memory"):
        PyavReader([clips], limits=MediaLimits(max_read_bytes=1000)).read(clips / "good.mp4", [0])


def test_a_file_that_is_replaced_is_indexed_anew(tmp_path: Path) -> None:
    path = Footage("clip.mp4", frames=20).write(tmp_path)
    reader = PyavReader([tmp_path])
    assert numbers_in(reader.read(path, [19])) == [19]
    Footage("clip.mp4", frames=10).write(tmp_path)
    with pytest.raises(UnreadableVideo, match="the video has 10 frames"):
        reader.read(path, [19])


def test_nothing_leaks_over_many_opens(clips: Path) -> None:
    reader = PyavReader([clips])
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(200):
        reader.read(clips / "good.mp4", [7])
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 2
