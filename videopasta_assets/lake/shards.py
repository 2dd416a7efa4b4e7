"""Sealed shards: which videos landed together. Append-only; a sealed shard is never reopened."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Final

from videopasta_assets.lake.store import Lake

_FOLDER: Final = "shards"
_LINKS: Final = "links.json"
_WIDTH: Final = 6


@dataclass(frozen=True)
class LandedVideo:
    """A file as it was when it landed. `path` is relative to the video folder and may hold any character."""

    video_id: str
    path: str
    size_bytes: int
    modified_ns: int


@dataclass(frozen=True)
class Shard:
    """A sealed batch of videos: a partition."""

    key: str
    sealed_at: str
    videos: tuple[LandedVideo, ...]


def list_shards(lake: Lake) -> list[str]:
    """Keys of all sealed shards, oldest first."""
    return sorted(path.stem for path in (lake.root / _FOLDER).glob("*.json"))


def read_shard(lake: Lake, key: str) -> Shard:
    """The shard `key`.

    Raises:
        FileNotFoundError: no such shard.
    """
    data = json.loads((lake.root / _FOLDER / f"{key}.json").read_bytes())
    return Shard(data["key"], data["sealed_at"], tuple(LandedVideo(**video) for video in data["videos"]))


def landed_videos(lake: Lake) -> list[LandedVideo]:
    """Every video that ever landed, oldest shard first."""
    return [video for key in list_shards(lake) for video in read_shard(lake, key).videos]


def linked_files(lake: Lake) -> list[LandedVideo]:
    """Further files with the content of a landed video: copies, and files that were moved or touched."""
    path = lake.root / _LINKS
    return [LandedVideo(**link) for link in json.loads(path.read_bytes())] if path.exists() else []


def link_files(lake: Lake, files: Sequence[LandedVideo]) -> None:
    """Remember `files` as further places of landed videos; a later entry for a path replaces an earlier one."""
    if files:
        links = {link.path: link for link in (*linked_files(lake), *files)}
        lake.write_file(_LINKS, json.dumps([asdict(link) for link in links.values()], indent=1).encode())


def seal_shards(lake: Lake, videos: Sequence[LandedVideo], per_shard: int) -> list[Shard]:
    """Pack `videos` into new shards of at most `per_shard`; the keys continue where the last one ended."""
    first = _next_number(list_shards(lake))
    sealed_at = datetime.now(UTC).isoformat()
    shards = [
        Shard(f"s{first + index:0{_WIDTH}d}", sealed_at, tuple(batch))
        for index, batch in enumerate(_batches(videos, per_shard))
    ]
    for shard in shards:
        lake.write_file(f"{_FOLDER}/{shard.key}.json", json.dumps(asdict(shard), indent=1).encode())
    return shards


def _next_number(keys: Iterable[str]) -> int:
    return max((int(key[1:]) for key in keys), default=-1) + 1


def _batches(videos: Sequence[LandedVideo], size: int) -> Iterable[Sequence[LandedVideo]]:
    return (videos[start : start + size] for start in range(0, len(videos), size))
