"""Landing: which files of the video folder are new, by content, and which shard they are sealed into."""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from videopasta_assets.errors import UserError
from videopasta_assets.lake import COMMON, Address
from videopasta_assets.lake.shards import LandedVideo, Shard, landed_videos, link_files, linked_files, seal_shards
from videopasta_assets.stages.project import Project

_CHUNK_BYTES: Final = 1 << 20
_LANDING: Final = "landing"


@dataclass(frozen=True)
class Landing:
    """What a look at the video folder found."""

    files: int
    new: tuple[LandedVideo, ...]
    linked: tuple[LandedVideo, ...]
    unreadable: tuple[str, ...]
    unsettled: tuple[str, ...] = ()


def look(project: Project, quiet_seconds: float = 0) -> Landing:
    """Compare the video folder with what has landed. Files whose size and time are known are not hashed again.

    Files that changed within the last `quiet_seconds` may still be being written: they are left for a later look.

    Raises:
        UserError: the folder is missing or cannot be read.
    """
    landed = landed_videos(project.lake)
    known = {(file.path, file.size_bytes, file.modified_ns) for file in (*landed, *linked_files(project.lake))}
    seen = {video.video_id for video in landed}
    new: list[LandedVideo] = []
    linked: list[LandedVideo] = []
    unreadable: list[str] = []
    unsettled: list[str] = []
    files = 0
    for path in video_files(project):
        files += 1
        relative = path.relative_to(project.video_folder).as_posix()
        try:
            status = path.stat()
            if (relative, status.st_size, status.st_mtime_ns) in known:
                continue
            if quiet_seconds and time.time() - max(status.st_mtime, status.st_ctime) < quiet_seconds:
                unsettled.append(relative)
                continue
            file = LandedVideo(file_hash(path), relative, status.st_size, status.st_mtime_ns)
        except OSError as error:
            unreadable.append(f"{relative}: {error.strerror}")
            continue
        (linked if file.video_id in seen else new).append(file)
        seen.add(file.video_id)
    return Landing(files, tuple(new), tuple(linked), tuple(unreadable), tuple(unsettled))


def land(project: Project, quiet_seconds: float = 0) -> tuple[Landing, list[Shard]]:
    """Seal the new files into shards, and link files whose content has landed before.

    Files that changed within the last `quiet_seconds` are left. Two landings at once wait for each other.

    Raises:
        UserError: the folder is missing, cannot be read, or holds no video and never did.
    """
    with project.lake.lock(Address("videos", COMMON, _LANDING)):
        return _land(project, quiet_seconds)


def _land(project: Project, quiet_seconds: float) -> tuple[Landing, list[Shard]]:
    landing = look(project, quiet_seconds)
    if landing.files == 0 and not landed_videos(project.lake):
        patterns = ", ".join(project.settings.videos.patterns)
        raise UserError(
            "no videos here",
            where=str(project.video_folder),
            fix=f"Put files that match {patterns} there, or set videos.folder in videopasta.yaml.",
        )
    link_files(project.lake, landing.linked)
    return landing, seal_shards(project.lake, landing.new, project.settings.videos.per_shard)


def video_files(project: Project) -> Iterator[Path]:
    """Regular files of the video folder that match a pattern, in order of their names.

    Raises:
        UserError: the folder is missing or cannot be read.
    """
    folder = project.video_folder
    try:
        present = folder.is_dir()
        if present:
            next(folder.iterdir(), None)
    except PermissionError as error:
        raise UserError(
            "no permission to read this folder", where=str(folder), fix="Mend its permissions, or set videos.folder."
        ) from error
    if not present:
        raise UserError(
            "the video folder does not exist",
            where=str(folder),
            fix="Make it, or set videos.folder in videopasta.yaml.",
        )
    matches = {path for pattern in project.settings.videos.patterns for path in folder.glob(pattern) if path.is_file()}
    return iter(sorted(matches))


def file_hash(path: Path) -> str:
    """SHA-256 of the file's bytes: its `video_id`."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
