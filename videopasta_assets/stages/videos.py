"""Stage `videos`: the members of a shard, and whether each file is still there."""

import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from videopasta_assets.hashing import combined_hash, stable_hash
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.lake.shards import LandedVideo, linked_files, read_shard
from videopasta_assets.stages.materialize import Outcome, Progress, Stage, run_stage, silent
from videopasta_assets.stages.project import Project

STAGE_VERSION = "1"


def spec(project: Project) -> dict[str, str]:  # noqa: ARG001 - every stage has the same signature
    """Parts of the specification, by name."""
    return {"stage": STAGE_VERSION}


def derive(project: Project, shard: str) -> list[Derivation]:
    """One row a member of the shard; when no file has its content any more, the row is a tombstone."""
    sealed = read_shard(project.lake, project.plain(shard))
    return [
        Derivation(
            video.video_id,
            stable_hash(STAGE_VERSION, video.video_id, path),
            (video, path, sealed.sealed_at),
        )
        for video, path in found_files(project, sealed.videos, links_by_video(project))
    ]


def found_files(
    project: Project, videos: Sequence[LandedVideo], links: Mapping[str, Sequence[LandedVideo]]
) -> list[tuple[LandedVideo, str | None]]:
    """Each video with the path at which its content lies now; None when it lies nowhere any more."""
    folder = str(project.video_folder)
    return [
        (
            video,
            next(
                (place.path for place in (video, *links.get(video.video_id, ())) if _is_unchanged(folder, place)), None
            ),
        )
        for video in videos
    ]


def links_by_video(project: Project) -> dict[str, list[LandedVideo]]:
    """Further files with the content of landed videos."""
    links: dict[str, list[LandedVideo]] = {}
    for link in linked_files(project.lake):
        links.setdefault(link.video_id, []).append(link)
    return links


def files_version(found: Sequence[tuple[LandedVideo, str | None]]) -> dict[str, str]:
    """Version of a shard's files: which of them lie where."""
    return {"files": combined_hash(f"{video.video_id} {path}" for video, path in found)}


def outside(project: Project, shard: str) -> dict[str, str]:
    """Version of what the shard's rows are derived from: files, not tables."""
    return files_version(
        found_files(project, read_shard(project.lake, project.plain(shard)).videos, links_by_video(project))
    )


def compute(derivations: Sequence[Derivation]) -> Iterator[Row]:
    """Rows of the members."""
    for derivation in derivations:
        video, path, sealed_at = derivation.payload
        yield {
            "row_key": derivation.row_key,
            "video_id": video.video_id,
            "path": path or video.path,
            "size_bytes": video.size_bytes,
            "present": path is not None,
            "landed_at": datetime.fromisoformat(sealed_at),
        }


STAGE: Final = Stage("videos", (), spec, derive, outside=outside)


def run(project: Project, shard: str, *, retry_failed: bool = False, progress: Progress = silent) -> Outcome:
    """Bring the shard's `videos` up to date."""
    return run_stage(project, STAGE, shard, compute, retry_failed=retry_failed, progress=progress)


def _is_unchanged(folder: str, video: LandedVideo) -> bool:
    try:
        status = os.stat(f"{folder}/{video.path}")  # noqa: PTH116 - a plan asks for every video that ever landed
    except (OSError, ValueError):
        return False
    return status.st_size == video.size_bytes and status.st_mtime_ns == video.modified_ns
