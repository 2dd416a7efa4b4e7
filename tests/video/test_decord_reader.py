"""decord behind the protocol: exact where it may be used, refused elsewhere."""

from pathlib import Path

import pytest

from tests.video.footage import Footage, cut_without_encoding, numbers_in
from videopasta_assets.video.guard import UnreadableVideo
from videopasta_assets.video.reader import get_reader

GROUPS = {"g": "12", "bf": "2"}


def test_plain_files_are_exact(clips: Path) -> None:
    reader = get_reader("decord", [clips])
    assert reader.name == "decord"
    assert numbers_in(reader.read(clips / "good.mp4", [90, 3, 60])) == [90, 3, 60]
    assert reader.read(clips / "good.mp4", [3], max_side=64).shape == (1, 48, 64, 3)


def test_a_clip_cut_without_encoding_is_refused(tmp_path: Path) -> None:
    source = Footage("whole.mp4", options=GROUPS).write(tmp_path)
    path = cut_without_encoding(source, tmp_path / "cut.mp4", first=17)
    assert numbers_in(get_reader("auto", [tmp_path]).read(path, [0, 20])) == [17, 37]
    with pytest.raises(UnreadableVideo, match="decord"):
        get_reader("decord", [tmp_path]).read(path, [0, 20])


@pytest.mark.parametrize(
    "footage",
    [
        Footage("open.mp4", options=GROUPS | {"x264-params": "open-gop=1"}),
        Footage("open_h265.mp4", "libx265", options={"x265-params": "log-level=none:keyint=12:open-gop=1"}),
        Footage("refresh.mkv", options={"g": "12", "x264-params": "intra-refresh=1"}),
        Footage("stream.ts", options=GROUPS),
        Footage("stream.avi", "mpeg4", options=GROUPS),
    ],
    ids=lambda footage: footage.name,
)
def test_what_it_confuses_is_refused(footage: Footage, tmp_path: Path) -> None:
    """Right count, mostly right times, other pictures: this cannot be noticed afterwards."""
    path = footage.write(tmp_path)
    wanted = list(range(0, 60, 7))
    assert numbers_in(get_reader("auto", [tmp_path]).read(path, wanted)) == wanted
    with pytest.raises(UnreadableVideo, match="decord confuses"):
        get_reader("decord", [tmp_path]).read(path, wanted)


def test_closed_groups_of_h265_are_read(tmp_path: Path) -> None:
    options = {"x265-params": "log-level=none:keyint=12:no-open-gop=1"}
    path = Footage("closed.mp4", "libx265", options=options).write(tmp_path)
    wanted = list(range(0, 60, 7))
    assert numbers_in(get_reader("decord", [tmp_path]).read(path, wanted)) == wanted
