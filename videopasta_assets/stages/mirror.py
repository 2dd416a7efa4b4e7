"""Object storage, mirrored into the video folder: decoders open plain files only.

A copy has its object's size and time of change, by which the next look knows it; so nothing else is remembered. A
fetch that was interrupted goes on where it was. An object that vanished takes its copy with it, which makes its video
a tombstone.
"""

import os
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import Any, Final

from upath import UPath

from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.lake.waiting_files import read_waiting, waiting_mark
from videopasta_assets.stages.project import Project
from videopasta_assets.stages.video_files import MIRROR, pattern_matcher

_PARTS: Final = ".parts"
_CHUNK_BYTES: Final = 4 << 20
_TIMES: Final = ("LastModified", "last_modified", "updated", "mtime", "created")
"""Where file systems of fsspec put the time of change, best first."""

_SAME_TIME_NS: Final = 1_000_000
"""Local file systems round times."""


@dataclass(frozen=True)
class RemoteObject:
    """An object as the storage lists it. `key` is relative to the configured prefix."""

    key: str
    name: str
    size_bytes: int
    modified_ns: int

    @property
    def mark(self) -> bytes:
        """Names the object as it is now."""
        return waiting_mark(f"{MIRROR}/{self.key}", self.size_bytes, self.modified_ns)


@dataclass(frozen=True)
class Mirrored:
    """What mirroring did.

    Attributes:
        objects: how many objects are videos.
        fetched: keys that were copied now.
        removed: copies whose object is gone.
        unreadable: objects that cannot be taken, each with its reason.
        unsettled: objects that may still be being written.
        postponed: objects that there was no time for.
        waiting: since when (Unix seconds) each object that was not fetched has been as it is, by mark.
    """

    objects: int = 0
    fetched: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unreadable: tuple[str, ...] = ()
    unsettled: tuple[str, ...] = ()
    postponed: int = 0
    waiting: Mapping[bytes, float] = field(default_factory=dict)


def mirror(project: Project, settle_seconds: float = 0, deadline: float | None = None) -> Mirrored:
    """Bring the mirror up to date; nothing to do without `videos.remote`.

    Args:
        project: the project.
        settle_seconds: leave objects alone that have not kept size and time for so long; 0 takes all.
        deadline: stop to fetch after this time (`time.monotonic`); the next call goes on.

    Raises:
        UserError: the storage's library is missing, or it lists nothing any more.
        VideoPastaError: the storage cannot be reached or read.
    """
    remote = project.settings.videos.remote
    if remote is None:
        return Mirrored()
    folder = project.video_folder / MIRROR
    (folder / _PARTS).mkdir(parents=True, exist_ok=True)
    storage = _storage(remote)
    matches = pattern_matcher(project.settings.videos.patterns)
    listed = {found.key: found for found in _listing(remote, storage) if matches.fullmatch(found.key)}
    if not listed and any(_copies(folder)):
        raise UserError(
            "the storage lists no video any more, so nothing was retracted",
            where=remote,
            fix=f"Check videos.remote. To retract all its videos, delete {folder}.",
        )
    unreadable = [f"{key!r}: {reason}" for key, found in listed.items() if (reason := _refusal(project, found))]
    refused = {key for key, found in listed.items() if _refusal(project, found)}
    wanted = [found for key, found in sorted(listed.items()) if key not in refused and not _is_copied(folder, found)]
    before, now = read_waiting(project.lake), time.time()
    waiting = {found.mark: before.get(found.mark, now) for found in wanted}
    settled = [found for found in wanted if now - waiting[found.mark] >= settle_seconds]
    fetched: list[str] = []
    postponed = 0
    for found in settled:
        try:
            if not _fetch(storage, found, folder, deadline):
                postponed += 1
                continue
        except OSError as error:
            unreadable.append(f"{found.key!r}: {error.strerror or error}")
            continue
        fetched.append(found.key)
        waiting.pop(found.mark)
    removed = tuple(_remove_vanished(folder, set(listed) - refused))
    _remove_old_parts(folder, {found.mark for found in wanted})
    unsettled = tuple(f"{MIRROR}/{found.key}" for found in wanted if found not in settled)
    return Mirrored(len(listed), tuple(fetched), removed, tuple(unreadable), unsettled, postponed, waiting)


def _storage(remote: str) -> Any:
    try:
        storage = UPath(remote).fs
    except ImportError as error:
        raise UserError(
            str(error),
            where=f"videos.remote, {remote}",
            fix="pip install 'videopasta-assets[s3]' brings S3's; other storages need the fsspec package of theirs.",
        ) from error
    except ValueError as error:
        raise UserError(str(error), where=f"videos.remote, {remote}") from error
    storage.invalidate_cache()
    return storage


def _listing(remote: str, storage: Any) -> Iterator[RemoteObject]:
    root = UPath(remote).path.rstrip("/")
    try:
        found = storage.find(root, detail=True)
    except Exception as error:  # every storage has errors of its own, and each is a reason to look again later
        reason = " ".join(str(error).split()) or type(error).__name__
        raise VideoPastaError(f"{remote}: the storage cannot be listed ({reason}).") from error
    for name, info in found.items():
        key = name.removeprefix(root).lstrip("/")
        if key and info.get("type", "file") == "file":
            yield RemoteObject(key, name, int(info.get("size") or 0), _modified_ns(info))


def _modified_ns(info: Mapping[str, Any]) -> int:
    """Time of change in nanoseconds; 0 where the storage does not tell."""
    given = next((info[name] for name in _TIMES if info.get(name) is not None), 0)
    if isinstance(given, str):
        given = datetime.fromisoformat(given)
    if isinstance(given, datetime):
        given = (given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp()
    return int(given * 1_000_000) * 1000


def _refusal(project: Project, found: RemoteObject) -> str | None:
    """Why an object cannot be mirrored: a key is a stranger's text, and must not name a place outside the mirror."""
    parts = found.key.split("/")
    if any(part in ("", ".", "..", _PARTS) for part in parts) or "\0" in found.key:
        return "its key cannot be a path in the mirror"
    limit = project.settings.videos.max_bytes
    return f"{found.size_bytes} bytes are more than videos.max_bytes, {limit}" if found.size_bytes > limit else None


def _is_copied(folder: Path, found: RemoteObject) -> bool:
    try:
        status = (folder / found.key).lstat()
    except OSError:
        return False
    return status.st_size == found.size_bytes and abs(status.st_mtime_ns - found.modified_ns) < _SAME_TIME_NS


def _fetch(storage: Any, found: RemoteObject, folder: Path, deadline: float | None) -> bool:
    """Copy an object; False when the time was up first: what has come stays for the next call.

    Raises:
        OSError: the object or the disk fails.
    """
    part = folder / _PARTS / f"{found.mark.hex()}.part"
    with part.open("ab") as target:
        with storage.open(found.name, "rb") as source:
            source.seek(target.tell())
            while target.tell() < found.size_bytes:
                if deadline is not None and time.monotonic() > deadline:
                    return False
                chunk = source.read(min(_CHUNK_BYTES, found.size_bytes - target.tell()))
                if not chunk:
                    raise OSError(None, "it is shorter than the storage says; the next look takes it")
                target.write(chunk)
        target.flush()
        os.fsync(target.fileno())
    os.utime(part, ns=(found.modified_ns, found.modified_ns))
    place = folder / PurePosixPath(found.key)
    place.parent.mkdir(parents=True, exist_ok=True)
    part.replace(place)
    return True


def _copies(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.parent.name != _PARTS and not path.is_dir())


def _remove_vanished(folder: Path, keys: set[str]) -> Iterator[str]:
    for path in _copies(folder):
        key = path.relative_to(folder).as_posix()
        if key not in keys:
            path.unlink(missing_ok=True)
            yield key


def _remove_old_parts(folder: Path, marks: set[bytes]) -> None:
    for part in (folder / _PARTS).glob("*.part"):
        if bytes.fromhex(part.stem) not in marks:
            part.unlink(missing_ok=True)
