"""Landing: which video files are new, by content, and which shard they are sealed into.

A file that is still being written is left alone: under `settle_seconds` a new file lands when two looks at least so
far apart found the same size and times. What the first look found is kept in the lake, so that the second may be made
by another process.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Final

from videopasta_assets.errors import UserError
from videopasta_assets.lake import COMMON, Address, Lake
from videopasta_assets.lake.known_files import KnownFiles, fingerprint, keep_known_files, known_files
from videopasta_assets.lake.shards import LandedVideo, Shard, link_files, list_shards, seal_shards
from videopasta_assets.lake.waiting_files import keep_waiting, read_waiting, waiting_mark
from videopasta_assets.stages.mirror import mirror
from videopasta_assets.stages.project import Project
from videopasta_assets.stages.video_files import MIRROR, VideoFile, video_files
from videopasta_assets.video.guard import UnreadableVideo
from videopasta_assets.video.identity import content_id

_BATCH: Final = 4096
_LANDING: Final = "landing"


@dataclass(frozen=True)
class Landing:
    """What a look at the videos found.

    Attributes:
        files: how many files there are.
        new: files of a content that has not landed.
        linked: new files of a content that has.
        unreadable: files that cannot be taken, each with its reason.
        unsettled: files that may still be being written.
        postponed: new files that there was no time for.
        waiting: since when (Unix seconds) each new file that did not land has been as it is, by mark.
    """

    files: int
    new: tuple[LandedVideo, ...]
    linked: tuple[LandedVideo, ...]
    unreadable: tuple[str, ...] = ()
    unsettled: tuple[str, ...] = ()
    postponed: int = 0
    waiting: Mapping[bytes, float] = field(default_factory=dict)


def look(project: Project, settle_seconds: float = 0, deadline: float | None = None) -> Landing:
    """Compare the videos with what has landed. Writes nothing; known files are not read again.

    Args:
        project: the project.
        settle_seconds: leave files alone that have not kept size and times for so long; 0 takes all.
        deadline: read no further new file after this time (`time.monotonic`).

    Raises:
        UserError: the folder or the manifest is missing or cannot be read.
    """
    known = known_files(project.lake)
    unreadable: list[str] = []
    fresh: list[VideoFile] = []
    files = 0
    for batch in _batches(video_files(project)):
        files += len(batch)
        unreadable += [f"{_shown(file.path)}: {file.reason}" for file in batch if file.reason is not None]
        taken = [file for file in batch if file.reason is None]
        held = known.holds_files([fingerprint(file.path, file.size_bytes, file.modified_ns) for file in taken])
        fresh += [file for file, is_known in zip(taken, held, strict=True) if not is_known]
    since = _since(project.lake, fresh) if settle_seconds else {}
    now = time.time()
    # Copies of objects are complete when they appear: their objects have settled.
    complete = f"{MIRROR}/" if project.settings.videos.remote is not None else None
    settled = [
        file
        for file in sorted(fresh, key=lambda file: file.path)
        if (complete and file.path.startswith(complete)) or now - since.get(_mark(file), 0) >= settle_seconds
    ]
    new, linked, postponed = _read_new(project, known, settled, unreadable, deadline)
    taken_paths = {file.path for file in (*new, *linked)}
    settled_paths = {file.path for file in settled}
    return Landing(
        files=files,
        new=tuple(new),
        linked=tuple(linked),
        unreadable=tuple(unreadable),
        unsettled=tuple(sorted(file.path for file in fresh if file.path not in settled_paths)),
        postponed=postponed,
        waiting={_mark(file): since[_mark(file)] for file in fresh if since and file.path not in taken_paths},
    )


def land(project: Project, settle_seconds: float = 0, deadline: float | None = None) -> tuple[Landing, list[Shard]]:
    """Mirror object storage if there is any, seal new files into shards, and link files whose content has landed.

    Two landings at once wait for each other. What a deadline left over is taken by the next landing.

    Args:
        project: the project.
        settle_seconds: as `look`.
        deadline: stop to fetch and to read after this time (`time.monotonic`).

    Raises:
        UserError: folder, manifest or storage is missing or cannot be read, or there is no video and never was.
    """
    with project.lake.lock(Address("videos", COMMON, _LANDING)):
        mirrored = mirror(project, settle_seconds, deadline)
        landing = look(project, settle_seconds, deadline)
        if landing.files == 0 and not mirrored.objects and not list_shards(project.lake):
            raise UserError(
                "no videos here",
                where=str(project.settings.videos.remote or project.video_folder),
                fix=_fix_of_no_videos(project),
            )
        link_files(project.lake, landing.linked)
        sealed = seal_shards(project.lake, landing.new, project.settings.videos.per_shard)
        keep_known_files(project.lake)
        if settle_seconds:
            keep_waiting(project.lake, {**landing.waiting, **mirrored.waiting})
    whole = replace(
        landing,
        unreadable=(*landing.unreadable, *mirrored.unreadable),
        unsettled=(*landing.unsettled, *mirrored.unsettled),
        postponed=landing.postponed + mirrored.postponed,
    )
    return whole, sealed


def _read_new(
    project: Project,
    known: KnownFiles,
    settled: Sequence[VideoFile],
    unreadable: list[str],
    deadline: float | None,
) -> tuple[list[LandedVideo], list[LandedVideo], int]:
    """(files of new content, files of landed content, files that there was no time for)."""
    new: list[LandedVideo] = []
    linked: list[LandedVideo] = []
    seen: set[str] = set()
    for done, file in enumerate(settled):
        if deadline is not None and time.monotonic() > deadline:
            return new, linked, len(settled) - done
        path = project.video_folder / file.path
        try:
            video_id = content_id(path, project.roots, project.limits.max_file_bytes)
            landed = LandedVideo(video_id, file.path, file.size_bytes, file.modified_ns)
            status = path.stat()
        except UnreadableVideo as error:
            unreadable.append(f"{_shown(file.path)}: {error.reason}")
            continue
        except OSError as error:
            unreadable.append(f"{_shown(file.path)}: {error.strerror}")
            continue
        if (status.st_size, status.st_mtime_ns) != (file.size_bytes, file.modified_ns):
            unreadable.append(f"{_shown(file.path)}: it changed while it was read; the next look takes it")
            continue
        (linked if landed.video_id in seen or known.holds_content(landed.video_id) else new).append(landed)
        seen.add(landed.video_id)
    return new, linked, 0


def _since(lake: Lake, fresh: Sequence[VideoFile]) -> dict[bytes, float]:
    """Since when each new file has been as it is, as far as looks have seen."""
    before = read_waiting(lake)
    now = time.time()
    return {_mark(file): before.get(_mark(file), now) for file in fresh}


def _mark(file: VideoFile) -> bytes:
    return waiting_mark(file.path, file.size_bytes, file.touched_ns)


def _batches(files: Iterator[VideoFile]) -> Iterator[list[VideoFile]]:
    while batch := list(islice(files, _BATCH)):
        yield batch


def _shown(path: str) -> str:
    """The path on one line."""
    return path if path.isprintable() else repr(path)


def _fix_of_no_videos(project: Project) -> str:
    videos = project.settings.videos
    if videos.manifest is not None:
        return f"Name some in {videos.manifest}."
    wanted = f"that match {', '.join(videos.patterns)}"
    if videos.remote is not None:
        return f"Put files {wanted} there, or set videos.remote in videopasta.yaml."
    return f"Put files {wanted} there, or set videos.folder in videopasta.yaml."
