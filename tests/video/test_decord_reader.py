"""decord behind the protocol: exact where it may be used, refused or known to be wrong elsewhere."""

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
    with pytest.raises(UnreadableVideo, match=r"decord finds .* frames where the file shows 43"):
        get_reader("decord", [tmp_path]).read(path, [0, 20])


def test_on_open_groups_it_is_wrong_without_a_sign(tmp_path: Path) -> None:
    """Why `auto` is PyAV: right count, right times, other pictures. Should this fail, decord has been mended."""
    path = Footage("open.mp4", options=GROUPS | {"x264-params": "open-gop=1"}).write(tmp_path)
    wanted = list(range(0, 60, 7))
    assert numbers_in(get_reader("auto", [tmp_path]).read(path, wanted)) == wanted
    assert numbers_in(get_reader("decord", [tmp_path]).read(path, wanted)) != wanted
