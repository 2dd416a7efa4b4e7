"""Facts about files, broken ones among them."""

from pathlib import Path

import av
import numpy as np
import pytest

from tests.video.footage import Footage, numbers_in
from videopasta_assets.video.guard import UnreadableVideo
from videopasta_assets.video.probe import probe
from videopasta_assets.video.pyav_reader import PyavReader

GROUPS = {"g": "30", "bf": "2"}
TORN = [
    Footage("torn.mp4", frames=120, options=GROUPS, container_options={"movflags": "faststart"}),
    Footage("torn.mkv", frames=120, options=GROUPS),
    Footage("torn.ts", frames=120, options=GROUPS),
    Footage(
        "torn_fragments.mp4", frames=120, options=GROUPS, container_options={"movflags": "frag_keyframe+empty_moov"}
    ),
]


@pytest.mark.parametrize("footage", TORN, ids=lambda footage: footage.name)
@pytest.mark.parametrize("share", [0.5, 0.8])
def test_what_is_left_of_a_torn_file_is_exact(footage: Footage, share: float, tmp_path: Path) -> None:
    """A missing end shortens the video; the frames that are left keep their times."""
    path = footage.write(tmp_path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    info = probe(path, [tmp_path])
    assert 20 < info.total_frames < 120
    try:
        frames = PyavReader([tmp_path]).read(path, range(info.total_frames))
    except UnreadableVideo as error:
        assert "damaged" in error.reason
        frames = PyavReader([tmp_path]).read(path, range(info.total_frames - 4))
    assert numbers_in(frames) == [round(second * 30) for second in info.pts[: len(frames)].tolist()]


def test_damage_in_the_middle_is_an_error_for_the_frames_that_it_hits(tmp_path: Path) -> None:
    path = TORN[0].write(tmp_path)
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 600] = np.random.default_rng(3).bytes(600)
    path.write_bytes(bytes(data))
    assert probe(path, [tmp_path]).total_frames == 120
    assert numbers_in(PyavReader([tmp_path]).read(path, [0, 5, 119])) == [0, 5, 119]
    with pytest.raises(UnreadableVideo, match="damaged"):
        PyavReader([tmp_path]).read(path, range(120))


def test_metadata_in_another_encoding_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    Footage("clip.mkv", frames=5).write(tmp_path)
    with av.open(str(path)) as source, av.open(str(tmp_path / "titled.mkv"), "w") as target:
        copied = target.add_stream_from_template(source.streams.video[0])
        target.metadata["title"] = "MARKER-TITLE"
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = copied
                target.mux(packet)
    titled = tmp_path / "titled.mkv"
    titled.write_bytes(titled.read_bytes().replace(b"MARKER-TITLE", b"caf\xe9 \xff\xfe MARK"))
    assert probe(titled, [tmp_path]).total_frames == 5


@pytest.mark.parametrize(
    ("footage", "fps", "duration"),
    [
        (Footage("quick.mp4", frames=50, times=list(range(50))), 1000, 0.05),
        (Footage("slow.mkv", frames=3, times=[0, 10_000, 20_000]), 0.15, 20),
        (Footage("late.mp4", frames=30, start=90), 30, 1),
        (Footage("one.mp4", frames=1), 30, 1 / 30),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_rates_and_durations(footage: Footage, fps: float, duration: float, tmp_path: Path) -> None:
    info = probe(footage.write(tmp_path), [tmp_path])
    assert info.fps == pytest.approx(fps, rel=0.02)
    assert info.duration == pytest.approx(duration, rel=0.02)
    assert info.pts[0] == 0.0


def test_the_identity_is_of_the_bytes(clips: Path, tmp_path: Path) -> None:
    copy = tmp_path / "another name.mp4"
    copy.write_bytes((clips / "good.mp4").read_bytes())
    assert probe(copy, [tmp_path]).video_id == probe(clips / "good.mp4", [clips]).video_id
    copy.write_bytes(copy.read_bytes() + b"\0")
    assert probe(copy, [tmp_path]).video_id != probe(clips / "good.mp4", [clips]).video_id
