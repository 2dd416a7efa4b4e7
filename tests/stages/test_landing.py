"""Landing: two looks before a file is taken, content before names, and nothing lost on the way."""

import os
import shutil
import time
from pathlib import Path

import pytest

from videopasta_assets.config.loader import parse_project
from videopasta_assets.errors import UserError
from videopasta_assets.lake.shards import linked_files, list_shards, read_shard
from videopasta_assets.stages import landing
from videopasta_assets.stages.landing import land, look
from videopasta_assets.stages.project import Project

SETTLE = 10.0


class Clock:
    """`time` for landing: a look costs no waiting here."""

    def __init__(self) -> None:
        self.now = time.time()

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(landing, "time", made)
    return made


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "videos").mkdir()
    return tmp_path / "videos"


def project(root: Path) -> Project:
    """As a new process would see it: nothing is remembered outside the lake."""
    return Project(parse_project("videos: {per_shard: 2}", root / "videopasta.yaml"))


def landed(root: Path) -> list[list[str]]:
    lake = project(root).lake
    return [[video.path for video in read_shard(lake, shard).videos] for shard in list_shards(lake)]


def test_a_file_lands_when_two_looks_found_it_the_same(tmp_path: Path, folder: Path, clock: Clock) -> None:
    path = folder / "growing.mp4"
    path.write_bytes(b"one")
    assert land(project(tmp_path), SETTLE)[0].unsettled == ("growing.mp4",)
    clock.now += SETTLE / 2
    assert land(project(tmp_path), SETTLE)[0].unsettled == ("growing.mp4",)  # looks too near to each other
    path.write_bytes(b"one two")
    clock.now += SETTLE
    assert land(project(tmp_path), SETTLE)[0].unsettled == ("growing.mp4",)  # it grew
    clock.now += SETTLE
    os.utime(path, (1, 1))
    assert land(project(tmp_path), SETTLE)[0].unsettled == ("growing.mp4",)  # touched, as `cp --preserve` ends
    clock.now += SETTLE
    found, sealed = land(project(tmp_path), SETTLE)
    assert (found.unsettled, [shard.key for shard in sealed]) == ((), ["s000000"])
    assert landed(tmp_path) == [["growing.mp4"]]


def test_a_file_of_old_times_still_gets_two_looks(tmp_path: Path, folder: Path, clock: Clock) -> None:
    (folder / "a.mp4").write_bytes(b"a")
    clock.now += 1e6
    assert land(project(tmp_path), SETTLE)[1] == []
    clock.now += SETTLE
    assert len(land(project(tmp_path), SETTLE)[1]) == 1


def test_one_growing_file_holds_nothing_up(tmp_path: Path, folder: Path, clock: Clock) -> None:
    (folder / "done.mp4").write_bytes(b"done")
    (folder / "growing.mp4").write_bytes(b"g")
    land(project(tmp_path), SETTLE)
    for size in range(2, 5):
        clock.now += SETTLE
        (folder / "growing.mp4").write_bytes(b"g" * size)
        land(project(tmp_path), SETTLE)
    assert landed(tmp_path) == [["done.mp4"]]


def test_what_the_deadline_leaves_over_the_next_look_takes_at_once(tmp_path: Path, folder: Path, clock: Clock) -> None:
    for number in range(5):
        (folder / f"{number}.mp4").write_bytes(bytes([number]))
    land(project(tmp_path), SETTLE)
    clock.now += SETTLE
    found, sealed = land(project(tmp_path), SETTLE, deadline=clock.now - 1)
    assert (found.postponed, sealed) == (5, [])
    found, sealed = land(project(tmp_path), SETTLE, deadline=clock.now + 1)
    assert (found.postponed, len(sealed)) == (0, 3)


def test_without_settling_everything_lands_at_once(tmp_path: Path, folder: Path) -> None:
    (folder / "a.mp4").write_bytes(b"a")
    assert [video.path for video in look(project(tmp_path)).new] == ["a.mp4"]
    assert len(land(project(tmp_path))[1]) == 1
    assert look(project(tmp_path)).new == ()


def test_copies_and_moves_are_links(tmp_path: Path, folder: Path) -> None:
    (folder / "a.mp4").write_bytes(b"same")
    (folder / "b.mp4").write_bytes(b"same")
    land(project(tmp_path))
    assert landed(tmp_path) == [["a.mp4"]]
    (folder / "a.mp4").rename(folder / "moved.mp4")
    shutil.copy2(folder / "moved.mp4", folder / "copy.mp4")
    found, sealed = land(project(tmp_path))
    assert ({link.path for link in found.linked}, sealed) == ({"moved.mp4", "copy.mp4"}, [])
    assert {link.path for link in linked_files(project(tmp_path).lake)} == {"b.mp4", "moved.mp4", "copy.mp4"}
    assert land(project(tmp_path))[0].linked == ()


def test_another_content_under_a_known_name_is_a_new_video(tmp_path: Path, folder: Path) -> None:
    (folder / "a.mp4").write_bytes(b"first")
    land(project(tmp_path))
    (folder / "a.mp4").write_bytes(b"second")
    assert len(land(project(tmp_path))[1]) == 1
    assert landed(tmp_path) == [["a.mp4"], ["a.mp4"]]


def test_killed_between_sealing_and_the_index_nothing_is_sealed_twice(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    (folder / "a.mp4").write_bytes(b"a")
    with monkeypatch.context() as patched:
        patched.setattr(landing, "keep_known_files", die)
        with pytest.raises(Killed):
            land(project(tmp_path))
    assert land(project(tmp_path))[1] == []
    assert landed(tmp_path) == [["a.mp4"]]


def test_a_file_that_cannot_be_read_has_a_reason(tmp_path: Path, folder: Path) -> None:
    (folder / "good.mp4").write_bytes(b"good")
    (folder / "bad.mp4").symlink_to("/proc/self/mem")  # regular for stat, unreadable from its start
    found, sealed = land(project(tmp_path))
    assert [video.path for video in found.new] == ["good.mp4"]
    assert len(found.unreadable) == 1
    assert found.unreadable[0].startswith("bad.mp4: ")
    assert len(sealed) == 1


def test_no_video_and_never_one_is_a_mistake(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(UserError, match="no videos here"):
        land(project(tmp_path))
