"""Folders of a lake that libraries read and write: adapters and the logs of their training.

In a lake that is a folder they are simply there. Of a lake on object storage this machine has a copy, in the user's
cache: training works in the copy and publishes what it made; who needs an adapter fetches what the copy lacks.
"""

import os
from pathlib import Path
from typing import Final

from upath import UPath

from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake.files import disk_errors, replace_file
from videopasta_assets.lake.objects import LakePath, is_object, objects_under, put_object, read_object

_RESUMED_FROM: Final = "checkpoint-"
"""How folders begin that only serve to resume training on this machine."""


def local_folder(root: LakePath, relative: str) -> Path:
    """A folder of this machine for the folder `relative` of the lake; what the lake has in it is fetched.

    Raises:
        LakeError: the storage cannot be read, or this machine's disk cannot be written.
    """
    if not is_object(root):
        return root / relative
    folder = copy_of(root) / relative
    source = root / relative
    for name, mark in objects_under(source).items():
        kept = folder / name
        note = kept.with_name(f".{kept.name}.{stable_hash(mark)[:12]}.fetched")
        if not (kept.exists() and note.exists()):
            replace_file(kept, read_object(source / name))
            replace_file(note, b"")
    return folder


def publish_folder(root: LakePath, relative: str) -> None:
    """Put what this machine has in the folder `relative` into the lake; nothing to do where the lake is a folder.

    Raises:
        LakeError: the storage cannot be written.
    """
    if not is_object(root):
        return
    folder = copy_of(root) / relative
    with disk_errors(folder):
        files = [
            path
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not any(_is_private(part) for part in path.relative_to(folder).parts)
        ]
        for path in files:
            put_object(root / relative / path.relative_to(folder).as_posix(), path.read_bytes())


def copy_of(root: UPath) -> Path:
    """Where this machine keeps copies of a lake's folders."""
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "videopasta-assets" / "lakes" / stable_hash(str(root))


def _is_private(part: str) -> bool:
    return part.startswith((".", _RESUMED_FROM))
