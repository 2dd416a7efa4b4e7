"""Sealed shards: which videos landed together. Append-only; a sealed shard is never reopened.

Beside them, also append-only, the links: further files with the content of a video that had landed before.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from videopasta_assets.lake.objects import LakePath, is_object, objects_under, read_object
from videopasta_assets.lake.store import Lake

_FOLDER: Final = "shards"
_LINKS: Final = "links"
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
    return _keys(lake.root / _FOLDER)


def read_shard(lake: Lake, key: str) -> Shard:
    """The shard `key`.

    Raises:
        FileNotFoundError: no such shard.
    """
    data = json.loads(lake.read_file(f"{_FOLDER}/{key}.json"))
    return Shard(data["key"], data["sealed_at"], tuple(LandedVideo(**video) for video in data["videos"]))


def linked_files(lake: Lake) -> list[LandedVideo]:
    """Further files with the content of a landed video: copies, and files that were moved or touched.

    A later entry for a path replaces an earlier one.
    """
    folder = lake.root / _LINKS
    batches = _keys(folder)
    if not batches:
        return []
    # A plan asks once a shard: what was sealed never changes, so it is read once.
    newest = folder / f"{batches[-1]}.json"
    return list(_read_links(folder, tuple(batches), 0 if is_object(newest) else newest.stat().st_mtime_ns))


def list_links(lake: Lake) -> list[str]:
    """Keys of all batches of links, oldest first."""
    return _keys(lake.root / _LINKS)


def read_links(lake: Lake, key: str) -> list[LandedVideo]:
    """The batch of links `key`.

    Raises:
        FileNotFoundError: no such batch.
    """
    return [LandedVideo(**link) for link in json.loads(lake.read_file(f"{_LINKS}/{key}.json"))]


def link_files(lake: Lake, files: Sequence[LandedVideo]) -> None:
    """Remember `files` as further places of landed videos."""
    if files:
        key = f"l{_next_number(list_links(lake)):0{_WIDTH}d}"
        lake.write_file(f"{_LINKS}/{key}.json", json.dumps([asdict(link) for link in files], indent=1).encode())


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


def _keys(folder: LakePath) -> list[str]:
    if is_object(folder):
        return sorted(name.removesuffix(".json") for name in objects_under(folder))
    return sorted(path.stem for path in folder.glob("*.json"))


def _content(path: LakePath) -> bytes:
    return read_object(path) if is_object(path) else path.read_bytes()


@lru_cache(maxsize=4)
def _read_links(folder: LakePath, batches: tuple[str, ...], newest_ns: int) -> tuple[LandedVideo, ...]:  # noqa: ARG001
    links = {
        link["path"]: LandedVideo(**link)
        for batch in batches
        for link in json.loads(_content(folder / f"{batch}.json"))
    }
    return tuple(links.values())


def _next_number(keys: Iterable[str]) -> int:
    return max((int(key[1:]) for key in keys), default=-1) + 1


def _batches(videos: Sequence[LandedVideo], size: int) -> Iterator[Sequence[LandedVideo]]:
    return (videos[start : start + size] for start in range(0, len(videos), size))
