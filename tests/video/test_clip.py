"""Clips deliver planned frames of the planned file, and pictures of them for people."""

import hashlib
import io
from pathlib import Path

import pytest
from PIL import Image

from tests.video.footage import Footage, numbers_in
from videopasta_assets.errors import UserError
from videopasta_assets.video.clip import Clip, load_frames
from videopasta_assets.video.film_strip import film_strip
from videopasta_assets.video.guard import UnreadableVideo
from videopasta_assets.video.plan import SamplingSpec, plan_frames
from videopasta_assets.video.probe import probe
from videopasta_assets.video.reader import FrameReader, get_reader


def test_a_clip_loads_its_planned_frames(clips: Path) -> None:
    info = probe(clips / "good.mp4", [clips])
    assert info.video_id == hashlib.sha256(info.path.read_bytes()).hexdigest()
    assert (info.fps, info.duration, info.container, info.codec) == (30.0, 4.0, "mov", "h264")
    clip = Clip(info.video_id, info.path, plan_frames(info, SamplingSpec(value=8), "dense"))
    assert numbers_in(load_frames(clip, get_reader("auto", [clips]))) == [7, 22, 37, 52, 67, 82, 97, 112]
    assert clip.key == f"{info.video_id}:{clip.plan.identity}"


@pytest.mark.parametrize("frames", [90, 120])
def test_a_file_that_is_not_the_planned_one_is_refused(clips: Path, tmp_path: Path, frames: int) -> None:
    info = probe(clips / "good.mp4", [clips])
    times = [41 * frame for frame in range(frames)]
    other = Footage("other.mp4", frames=frames, times=times).write(tmp_path)
    clip = Clip(info.video_id, other, plan_frames(info, SamplingSpec(), "dense"))
    with pytest.raises(UnreadableVideo, match=r"changed|does not exist"):
        load_frames(clip, get_reader("auto", [tmp_path]))


def test_readers_have_names(clips: Path) -> None:
    for name, decoder in (("auto", "pyav"), ("pyav", "pyav"), ("decord", "decord")):
        reader = get_reader(name, [clips])  # type: ignore[arg-type]
        assert isinstance(reader, FrameReader)
        assert reader.name == decoder
    assert get_reader("auto", [clips], isolate=False).name == "pyav"
    with pytest.raises(UserError, match="unknown decoder 'opencv'"):
        get_reader("opencv", [clips])  # type: ignore[arg-type]


def test_a_film_strip_is_a_small_picture(clips: Path) -> None:
    frames = get_reader("auto", [clips]).read(clips / "good.mp4", range(0, 120, 4))
    png = film_strip(frames, [index * 4 / 30 for index in range(30)], height=48)
    picture = Image.open(io.BytesIO(png))
    assert picture.size == (8 * 66 - 2, 48 + 14)
    assert len(png) < 100_000
