"""The index of landed files: what shards and links hold, found again; derived, so never trusted over them."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import Lake
from videopasta_assets.lake.known_files import fingerprint, keep_known_files, known_files
from videopasta_assets.lake.shards import LandedVideo, link_files, seal_shards

INDEX = "landing/known_files.npz"


def video(number: int, modified_ns: int = 1) -> LandedVideo:
    return LandedVideo(stable_hash(number) * 2, f"{number}'\n\N{SNOWMAN}.mp4", number, modified_ns)


def marks(*videos: LandedVideo) -> list[bytes]:
    return [fingerprint(video.path, video.size_bytes, video.modified_ns) for video in videos]


steps = st.lists(st.tuples(st.sampled_from(["land", "link", "keep"]), st.sets(st.integers(0, 40))), max_size=8)


@settings(max_examples=25)
@given(steps=steps)
def test_it_holds_exactly_what_was_sealed_and_linked(tmp_path_factory, steps):
    lake = Lake(tmp_path_factory.mktemp("lake"))
    landed: set[int] = set()
    linked: set[int] = set()
    for what, numbers in steps:
        if what == "land":
            seal_shards(lake, [video(number) for number in sorted(numbers - landed)], per_shard=3)
            landed |= numbers
        elif what == "link":
            link_files(lake, [video(number, modified_ns=2) for number in sorted(numbers)])
            linked |= numbers
        else:
            keep_known_files(lake)
    known = known_files(lake)
    assert known.holds_files(marks(*(video(number) for number in range(41)))).tolist() == [
        number in landed for number in range(41)
    ]
    assert known.holds_files(marks(*(video(number, 2) for number in range(41)))).tolist() == [
        number in linked for number in range(41)
    ]
    assert [known.holds_content(video(number).video_id) for number in range(41)] == [
        number in landed for number in range(41)
    ]


def test_it_takes_48_bytes_a_video(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    seal_shards(lake, [video(number) for number in range(1000)], per_shard=500)
    keep_known_files(lake)
    assert (tmp_path / INDEX).stat().st_size < 48 * 1000 + 2000


@pytest.mark.parametrize("damage", [b"", b"not an archive", b"PK\x03\x04 cut"])
def test_damaged_it_is_made_again(tmp_path: Path, damage: bytes) -> None:
    lake = Lake(tmp_path)
    seal_shards(lake, [video(1)], per_shard=2)
    keep_known_files(lake)
    whole = (tmp_path / INDEX).read_bytes()
    (tmp_path / INDEX).write_bytes(damage)
    assert known_files(lake).holds_content(video(1).video_id)
    keep_known_files(lake)
    assert (tmp_path / INDEX).read_bytes() == whole


def test_of_another_lake_it_is_not_believed(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    seal_shards(lake, [video(1), video(2)], per_shard=1)
    keep_known_files(lake)
    for shard in (tmp_path / "shards").iterdir():
        shard.unlink()
    assert not known_files(lake).holds_content(video(1).video_id)


def test_what_is_up_to_date_is_not_written_again(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    seal_shards(lake, [video(1)], per_shard=1)
    keep_known_files(lake)
    written = (tmp_path / INDEX).stat().st_ino
    keep_known_files(lake)
    assert (tmp_path / INDEX).stat().st_ino == written
