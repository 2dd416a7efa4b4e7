"""Every hostile video gives frames that are right, or a reason that a person understands; nothing else is opened."""

import os
import random
import re
from pathlib import Path

import numpy as np
import pytest

from tests.faults.hostile_videos import CANARY_FIRST, HostileVideo, data_of, hostile_videos
from tests.faults.open_watch import open_watch
from tests.faults.people import is_for_people
from tests.video.conftest import Collection
from tests.video.footage import Footage, numbers_in
from videopasta_assets.video.guard import MediaLimits, UnreadableVideo
from videopasta_assets.video.plan import SamplingSpec, plan_frames
from videopasta_assets.video.probe import VideoInfo
from videopasta_assets.video.worker import DecodeWorker, IsolatedReader, probe_safely

pytestmark = pytest.mark.timeout(900)  # the first test of a session makes all the files

KINDS = [hostile.kind for hostile in hostile_videos()]
LIMITS = MediaLimits(max_file_bytes=8 << 30)
CONCEALED_BY_DECORD = {"corrupt mkv", "corrupt mp4 at 50%"}
"""Damaged pictures that decord replaces by others: the stage `sampled_videos` finds them."""


def read(path: Path, root: Path, decoder: str, worker: DecodeWorker) -> tuple[VideoInfo, list[float], list[int]]:
    """What eight frames of the file show, with their times."""
    info = probe_safely(path, [root], LIMITS, worker=worker)
    plan = plan_frames(info, SamplingSpec(value=8), "dense")
    reader = IsolatedReader(decoder, [root], limits=LIMITS, worker=worker)
    frames = reader.read(path, plan.indices, timestamps=plan.timestamps)
    assert frames.shape == (len(plan.indices), info.height, info.width, 3)
    return info, list(plan.timestamps), numbers_in(frames)


def check(hostile: HostileVideo, info: VideoInfo, seconds: list[float], numbers: list[int]) -> None:
    assert hostile.numbers is not None, "this should have been refused"
    assert max(numbers) < CANARY_FIRST
    assert numbers == [hostile.numbers(second) for second in seconds]
    assert hostile.frames in (None, info.total_frames)


def test_there_are_many_kinds() -> None:
    assert len(set(KINDS)) == len(KINDS) >= 100


@pytest.mark.parametrize("kind", KINDS)
def test_frames_are_right_or_the_reason_is_told(kind: str, collection: Collection, worker: DecodeWorker) -> None:
    hostile = collection.kinds[kind]
    with open_watch(collection.outside) as watch:
        try:
            check(hostile, *read(collection.path(kind), collection.videos, "pyav", worker))
        except UnreadableVideo as error:
            assert hostile.reason, error.reason
            assert re.search(hostile.reason, error.reason), error.reason
            assert is_for_people(error.reason), error.reason
        assert watch.opened() == set()


@pytest.mark.parametrize("kind", sorted(set(KINDS) - CONCEALED_BY_DECORD - {"8K"}))
def test_decord_is_right_or_refuses(kind: str, collection: Collection, worker: DecodeWorker) -> None:
    with open_watch(collection.outside) as watch:
        try:
            check(collection.kinds[kind], *read(collection.path(kind), collection.videos, "decord", worker))
        except UnreadableVideo as error:
            assert is_for_people(error.reason), error.reason
        assert watch.opened() == set()


def test_the_watch_sees_who_opens(collection: Collection) -> None:
    with open_watch(collection.outside) as watch:
        collection.canary.read_bytes()
        assert watch.opened() == {"canary.mp4"}


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes devices")
@pytest.mark.parametrize(("name", "device"), [("zero", (1, 5)), ("full", (1, 7))])
def test_a_device_among_the_videos_is_not_read(
    name: str, device: tuple[int, int], tmp_path: Path, worker: DecodeWorker
) -> None:
    path = tmp_path / f"{name}.mp4"
    try:
        os.mknod(path, 0o020666, os.makedev(*device))
    except PermissionError:
        pytest.skip("not allowed here, even for root")
    with pytest.raises(UnreadableVideo, match="this is a device, not a file"):
        read(path, tmp_path, "pyav", worker)


def test_a_hard_link_is_a_file_like_any_other(collection: Collection, tmp_path: Path, worker: DecodeWorker) -> None:
    link = tmp_path / "link.mp4"
    link.hardlink_to(collection.path("one frame"))
    assert read(link, tmp_path, "pyav", worker)[2] == [0]


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from videopasta_assets.video import probe as probing
    from videopasta_assets.video import pyav_reader

    path = Footage("growing.ts").write(tmp_path)
    index_of = probing.remembered_index

    def write_on(*arguments: object) -> object:
        index = index_of(*arguments)  # type: ignore[arg-type]
        with path.open("ab") as file:
            file.write(bytes(188))
        return index

    monkeypatch.setattr(probing, "remembered_index", write_on)
    monkeypatch.setattr(pyav_reader, "remembered_index", write_on)
    with pytest.raises(UnreadableVideo, match="changed while it was being read"):
        probing.probe(path, [tmp_path])
    with pytest.raises(UnreadableVideo, match="changed while it was being read"):
        pyav_reader.PyavReader([tmp_path]).read(path, [0])


@pytest.mark.parametrize(
    "footage",
    [
        Footage("a.mp4", options={"g": "12", "bf": "2"}, container_options={"movflags": "faststart"}),
        Footage("a.mkv", options={"g": "12", "bf": "2"}),
        Footage("a.avi", "mpeg4"),
        Footage("a.gif", "gif", frames=12, pixel_format="rgb8"),
        Footage("a.webm", "libvpx-vp9", frames=12, options={"cpu-used": "8"}),
    ],
    ids=lambda footage: footage.name,
)
def test_random_damage_to_headers_never_does_more_than_a_refusal(
    footage: Footage, tmp_path: Path, worker: DecodeWorker
) -> None:
    """Forty files each with noise in the first 2,000 bytes, where sizes, counts and offsets are."""
    whole = data_of(footage)
    rng = random.Random(footage.name)
    path = tmp_path / footage.name
    for _ in range(40):
        data = bytearray(whole)
        for _ in range(rng.choice((1, 3, 10))):
            start = rng.randrange(8, 2000)
            data[start : start + 4] = rng.choice((rng.randbytes(4), bytes(4), b"\xff" * 4))
        path.write_bytes(data)
        try:
            info, seconds, _ = read(path, tmp_path, "pyav", worker)
        except UnreadableVideo as error:
            assert is_for_people(error.reason), error.reason
        else:
            assert info.total_frames >= 1 and np.all(np.diff(info.pts) > 0) and len(seconds) <= 8
