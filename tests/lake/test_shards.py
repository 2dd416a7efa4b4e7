"""Shards: sealed, append-only, safe keys."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from videopasta_assets.lake import Lake
from videopasta_assets.lake.shards import (
    LandedVideo,
    link_files,
    linked_files,
    list_shards,
    read_shard,
    seal_shards,
)


def video(name: str) -> LandedVideo:
    return LandedVideo(video_id=name, path=f"{name}'; drop/../\n.mp4", size_bytes=1, modified_ns=2)


@settings(max_examples=25)
@given(arrivals=st.lists(st.integers(0, 9), max_size=5), per_shard=st.integers(1, 4))
def test_sealed_shards_never_change_and_hold_every_video_once(tmp_path_factory, arrivals, per_shard):
    lake = Lake(tmp_path_factory.mktemp("lake"))
    sealed: dict[str, bytes] = {}
    expected: list[LandedVideo] = []
    for number, count in enumerate(arrivals):
        videos = [video(f"{number}-{index}") for index in range(count)]
        seal_shards(lake, videos, per_shard)
        expected += videos
        for key, content in sealed.items():
            assert (lake.root / "shards" / f"{key}.json").read_bytes() == content
        sealed = {key: (lake.root / "shards" / f"{key}.json").read_bytes() for key in list_shards(lake)}
    assert [video for key in list_shards(lake) for video in read_shard(lake, key).videos] == expected
    assert all(1 <= len(read_shard(lake, key).videos) <= per_shard for key in list_shards(lake))


def test_keys_are_zero_padded_and_count_on(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    seal_shards(lake, [video("a"), video("b"), video("c")], per_shard=2)
    seal_shards(lake, [video("d")], per_shard=2)
    assert list_shards(lake) == ["s000000", "s000001", "s000002"]


def test_a_link_replaces_an_earlier_one_of_the_same_path(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    link_files(lake, [LandedVideo("old", "x.mp4", 1, 1)])
    link_files(lake, [LandedVideo("new", "x.mp4", 1, 1), LandedVideo("new", "y.mp4", 1, 1)])
    assert {(link.path, link.video_id) for link in linked_files(lake)} == {("x.mp4", "new"), ("y.mp4", "new")}
