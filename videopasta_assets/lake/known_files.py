"""An index of the files that have landed: a look at a folder compares with it instead of reading every shard.

It holds 16 bytes a file (path, size and time of change) and 32 a content, sorted, so that a look over 100,000 known
files needs a few megabytes. It is derived from shards and links: deleted or damaged, it is made again.
"""

import hashlib
import io
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from videopasta_assets.lake.shards import list_links, list_shards, read_links, read_shard
from videopasta_assets.lake.store import Lake

_FILE: Final = "landing/known_files.npz"
_FINGERPRINT: Final = "S16"
_CONTENT: Final = "S32"

Digests = NDArray[np.bytes_]


@dataclass(frozen=True)
class KnownFiles:
    """What has landed, as sorted digests.

    Attributes:
        files: fingerprints of all files that are landed videos or links.
        contents: the `video_id` of all videos that have landed, as bytes.
    """

    files: Digests
    contents: Digests

    def holds_files(self, fingerprints: Sequence[bytes]) -> NDArray[np.bool_]:
        """Which of `fingerprints` are known."""
        return _holds(self.files, np.array(fingerprints, dtype=_FINGERPRINT))

    def holds_content(self, video_id: str) -> bool:
        """A video of this content has landed."""
        return bool(_holds(self.contents, np.array([bytes.fromhex(video_id)], dtype=_CONTENT))[0])


def fingerprint(path: str, size_bytes: int, modified_ns: int) -> bytes:
    """16 bytes that name a file as it is now; `path` is relative to the video folder."""
    text = f"{size_bytes} {modified_ns} {path}".encode("utf-8", "surrogateescape")
    return hashlib.blake2b(text, digest_size=16).digest()


def known_files(lake: Lake) -> KnownFiles:
    """The index, with all shards and links that were sealed since it was last written. Writes nothing."""
    return _current(lake)[0]


def keep_known_files(lake: Lake) -> None:
    """Write the index if something was sealed since it was last written."""
    known, covered, behind = _current(lake)
    if behind:
        buffer = io.BytesIO()
        np.savez(buffer, files=known.files, contents=known.contents, covered=np.array(covered))
        lake.write_file(_FILE, buffer.getvalue())


def _current(lake: Lake) -> tuple[KnownFiles, list[str], bool]:
    """(index, last shard and last batch of links that it covers, the written one was behind)."""
    shards, links = list_shards(lake), list_links(lake)
    now = [shards[-1] if shards else "", links[-1] if links else ""]
    held, covered = _read(lake)
    if (covered[0] and covered[0] not in shards) or (covered[1] and covered[1] not in links):
        held, covered = _EMPTY, ["", ""]  # shards and links are only ever added: it belongs to another lake
    if covered == now:
        return held, now, False
    landed = [video for key in shards if key > covered[0] for video in read_shard(lake, key).videos]
    linked = [link for key in links if key > covered[1] for link in read_links(lake, key)]
    files = (fingerprint(file.path, file.size_bytes, file.modified_ns) for file in (*landed, *linked))
    contents = (bytes.fromhex(video.video_id) for video in landed)
    return KnownFiles(_with(held.files, files), _with(held.contents, contents)), now, True


def _read(lake: Lake) -> tuple[KnownFiles, list[str]]:
    try:
        with np.load(io.BytesIO(lake.read_file(_FILE)), allow_pickle=False) as data:
            return KnownFiles(data["files"], data["contents"]), [str(key) for key in data["covered"]]
    except FileNotFoundError:
        return _EMPTY, ["", ""]
    except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile):
        return _EMPTY, ["", ""]  # damaged: derived from shards and links, so it is made again


def _with(held: Digests, new: Iterable[bytes]) -> Digests:
    added: Any = np.array(list(new), dtype=held.dtype)
    return np.sort(np.concatenate([held, added]))


def _holds(held: Digests, asked: Digests) -> NDArray[np.bool_]:
    if not len(held):
        return np.zeros(len(asked), dtype=np.bool_)
    places = np.minimum(np.searchsorted(held, asked), len(held) - 1)
    found: NDArray[np.bool_] = held[places] == asked
    return found


_EMPTY: Final = KnownFiles(np.array([], dtype=_FINGERPRINT), np.array([], dtype=_CONTENT))
