"""Object storage in the video folder: in fsspec's memory, and on a real S3 server."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fsspec
import pytest

from tests.fakes.s3_server import s3_server
from videopasta_assets.config.loader import parse_project
from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.lake.shards import list_shards, read_shard
from videopasta_assets.stages import mirror as stage
from videopasta_assets.stages import videos
from videopasta_assets.stages.landing import land
from videopasta_assets.stages.mirror import mirror
from videopasta_assets.stages.project import Project


def project(root: Path, remote: str = "memory://bucket/videos", more: str = "") -> Project:
    return Project(parse_project(f"videos: {{remote: '{remote}'{more}}}", root / "videopasta.yaml"))


@pytest.fixture
def bucket() -> Iterator[Any]:
    """A file system in memory: `bucket.pipe_file(key, content)` puts an object."""
    system = fsspec.filesystem("memory")
    system.store.clear()
    system.pseudo_dirs[:] = [""]
    system.makedirs("/bucket/videos")
    yield system
    system.store.clear()


def copies(root: Path) -> dict[str, bytes]:
    folder = root / "videos" / "mirror"
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_objects_land_as_videos(tmp_path: Path, bucket: Any) -> None:
    bucket.pipe_file("/bucket/videos/deep/a.mp4", b"a")
    bucket.pipe_file("/bucket/videos/notes.txt", b"no video")
    bucket.pipe_file("/bucket/other/b.mp4", b"another prefix")
    _, sealed = land(project(tmp_path))
    assert [video.path for video in sealed[0].videos] == ["mirror/deep/a.mp4"]
    assert copies(tmp_path) == {"deep/a.mp4": b"a"}
    assert land(project(tmp_path))[1] == []
    assert mirror(project(tmp_path)).fetched == ()


def test_a_changed_object_is_a_new_video_and_a_vanished_one_a_tombstone(tmp_path: Path, bucket: Any) -> None:
    for name in ("a", "b"):
        bucket.pipe_file(f"/bucket/videos/{name}.mp4", name.encode())
    land(project(tmp_path))
    time.sleep(0.002)
    bucket.pipe_file("/bucket/videos/a.mp4", b"A")  # of the same size: its time tells
    bucket.rm("/bucket/videos/b.mp4")
    assert mirror(project(tmp_path)).removed == ("b.mp4",)
    land(project(tmp_path))
    videos.run(project(tmp_path), "s000000")
    rows = project(tmp_path).lake.rows(project(tmp_path).address("videos", "s000000"))
    assert [row["present"] for row in rows] == [False, False]
    assert list_shards(project(tmp_path).lake) == ["s000000", "s000001"]
    assert copies(tmp_path) == {"a.mp4": b"A"}


def test_an_object_that_is_being_written_is_left_alone(tmp_path: Path, bucket: Any) -> None:
    bucket.pipe_file("/bucket/videos/a.mp4", b"a")
    found, _ = land(project(tmp_path), settle_seconds=0.05)
    assert found.unsettled == ("mirror/a.mp4",)
    bucket.pipe_file("/bucket/videos/a.mp4", b"a and more")
    time.sleep(0.06)
    assert land(project(tmp_path), settle_seconds=0.05)[1] == []
    time.sleep(0.06)
    _, sealed = land(project(tmp_path), settle_seconds=0.05)
    assert [video.size_bytes for video in sealed[0].videos] == [len(b"a and more")]


def test_a_fetch_goes_on_where_it_was_stopped(tmp_path: Path, bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    content = os.urandom(100)
    bucket.pipe_file("/bucket/videos/a.mp4", content)
    monkeypatch.setattr(stage, "_CHUNK_BYTES", 30)
    clock = iter(range(100))
    monkeypatch.setattr(stage.time, "monotonic", lambda: next(clock))
    for deadline, have in ((1, 60), (4, 100)):
        assert mirror(project(tmp_path), deadline=deadline).postponed == int(have < 100)
        parts = [path.stat().st_size for path in (tmp_path / "videos" / "mirror" / ".parts").iterdir()]
        assert parts == ([have] if have < 100 else [])
    assert copies(tmp_path) == {"a.mp4": content}


def test_keys_cannot_leave_the_mirror(tmp_path: Path, bucket: Any) -> None:
    for key in ("../../../escaped.mp4", ".parts/x.mp4", "./c.mp4"):
        bucket.store[f"/bucket/videos/{key}"] = bucket.store.setdefault("x", _memory_file(bucket))
    bucket.store.pop("x")
    bucket.pipe_file("/bucket/videos/good.mp4", b"good")
    found = mirror(project(tmp_path))
    assert found.fetched == ("good.mp4",)
    assert len(found.unreadable) == 3
    assert all("cannot be a path in the mirror" in sentence for sentence in found.unreadable)
    assert copies(tmp_path) == {"good.mp4": b"good"}
    assert not list(tmp_path.parent.glob("escaped.mp4"))


def _memory_file(bucket: Any) -> Any:
    bucket.pipe_file("/elsewhere.mp4", b"x")
    return bucket.store.pop("/elsewhere.mp4")


def test_too_large_an_object_is_not_fetched(tmp_path: Path, bucket: Any) -> None:
    bucket.pipe_file("/bucket/videos/a.mp4", b"12345")
    found = mirror(project(tmp_path, more=", max_bytes: 4"))
    assert found.unreadable == ("'a.mp4': 5 bytes are more than videos.max_bytes, 4",)
    assert copies(tmp_path) == {}


def test_an_empty_listing_retracts_nothing(tmp_path: Path, bucket: Any) -> None:
    bucket.pipe_file("/bucket/videos/a.mp4", b"a")
    land(project(tmp_path))
    bucket.rm("/bucket/videos/a.mp4")
    with pytest.raises(UserError, match="the storage lists no video any more, so nothing was retracted"):
        land(project(tmp_path))
    assert copies(tmp_path) == {"a.mp4": b"a"}


def test_a_storage_that_nobody_knows_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="Unsupported filesystem"):
        land(project(tmp_path, "nowhere://bucket"))


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """Endpoint of a real S3 server on this machine, with the bucket `clips`."""
    with s3_server("clips") as endpoint:
        yield endpoint


def test_on_a_real_s3_server(tmp_path: Path, s3: str) -> None:
    import boto3

    client = boto3.client("s3", endpoint_url=s3)
    for key in ("in/a.mp4", "in/deep/b 'q'.mp4", "in/notes.txt", "out/c.mp4"):
        client.put_object(Bucket="clips", Key=key, Body=key.encode())
    opened = project(tmp_path, "s3://clips/in")
    _, sealed = land(opened)
    assert [video.path for video in sealed[0].videos] == ["mirror/a.mp4", "mirror/deep/b 'q'.mp4"]
    assert copies(tmp_path)["deep/b 'q'.mp4"] == b"in/deep/b 'q'.mp4"
    client.put_object(Bucket="clips", Key="in/d.mp4", Body=b"later")
    client.delete_object(Bucket="clips", Key="in/a.mp4")
    _, sealed = land(opened)  # the same process: listings are not cached
    assert [video.path for video in sealed[0].videos] == ["mirror/d.mp4"]
    assert sorted(copies(tmp_path)) == ["d.mp4", "deep/b 'q'.mp4"]
    assert read_shard(opened.lake, "s000000").videos[0].path == "mirror/a.mp4"
    with pytest.raises(VideoPastaError, match="the storage cannot be listed") as raised:
        land(project(tmp_path / "other", "s3://no-such-bucket/x"))
    assert "secret-of-the-test" not in str(raised.value)
