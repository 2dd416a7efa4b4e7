"""Model identities for provenance, known without loading a model (or importing torch)."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from videopasta_assets.hashing import combined_hash

_DECIDING: Final = (".safetensors", ".json", ".jinja", ".txt", ".model")
"""Suffixes of the files that decide what a model answers; cards and logs beside them do not."""

_CHUNK_BYTES: Final = 1 << 22


def model_identity(source: str | Path, revision: str | None = None) -> str:
    """`name@revision` of a model.

    A folder is named by its content: retraining in place is another model, copying it elsewhere is not. A model of
    the hub is named by its revision as configured; pin a commit to make that exact.
    """
    folder = Path(source)
    if not folder.is_dir():
        return f"{source}@{revision or 'main'}"
    files = sorted(path for path in folder.iterdir() if path.suffix in _DECIDING and path.is_file())
    digests = (f"{path.name} {_file_hash(path, path.stat().st_size, path.stat().st_mtime_ns)}" for path in files)
    return f"{folder.name}@{combined_hash(digests)[:16]}"


@cache
def _file_hash(path: Path, size: int, modified_ns: int) -> str:  # noqa: ARG001 - size and time key the cache
    digest = hashlib.blake2b(digest_size=16)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
