"""A video's identity: the SHA-256 of its bytes."""

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from videopasta_assets.video.guard import DEFAULT_LIMITS, regular_file

_CHUNK_BYTES: Final = 1 << 22


def content_id(path: Path, roots: Sequence[Path], max_bytes: int = DEFAULT_LIMITS.max_file_bytes) -> str:
    """SHA-256 (hex) of the file at `path`, whatever it holds, if it is a regular file inside one of `roots`.

    Raises:
        UnreadableVideo: it is no such file, too big, or cannot be read; the reason is for people.
    """
    with regular_file(path, roots, max_bytes) as (_, descriptor):
        return descriptor_id(descriptor)


def descriptor_id(descriptor: int) -> str:
    """SHA-256 (hex) of the bytes behind an open descriptor, so not of a file that was swapped in later."""
    digest = hashlib.sha256()
    offset = 0
    while chunk := os.pread(descriptor, _CHUNK_BYTES, offset):
        digest.update(chunk)
        offset += len(chunk)
    return digest.hexdigest()
