"""Stage `videos`: the members of a shard, and whether each file is still there."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.lake.shards import LandedVideo, linked_files, read_shard
from videopasta_assets.stages.materialize import Outcome, Progress, materialize, silent
from videopasta_assets.stages.project import Project

STAGE_VERSION = "1"


def spec(project: Project) -> dict[str, str]:  # noqa: ARG001 - every stage has the same signature
    """Parts of the specification, by name."""
    return {"stage": STAGE_VERSION}


def derive(project: Project, shard: str) -> list[Derivation]:
    """One row a member of the shard; when no file has its content any more, the row is a tombstone."""
    sealed = read_shard(project.lake, shard)
    links: dict[str, list[LandedVideo]] = {}
    for link in linked_files(project.lake):
        links.setdefault(link.video_id, []).append(link)
    derivations = []
    for video in sealed.videos:
        places = (video, *links.get(video.video_id, ()))
        path = next((place.path for place in places if _is_unchanged(project, place)), None)
        provenance = stable_hash(STAGE_VERSION, video.video_id, path)
        derivations.append(Derivation(video.video_id, provenance, (video, path, sealed.sealed_at)))
    return derivations


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


def run(project: Project, shard: str, *, retry_failed: bool = False, progress: Progress = silent) -> Outcome:
    """Bring the shard's `videos` up to date."""
    return materialize(
        project.lake,
        project.address("videos", shard),
        derive(project, shard),
        compute,
        spec(project),
        retry_failed=retry_failed,
        progress=progress,
    )


def _is_unchanged(project: Project, video: LandedVideo) -> bool:
    try:
        status = (project.video_folder / video.path).stat()
    except OSError:
        return False
    return status.st_size == video.size_bytes and status.st_mtime_ns == video.modified_ns
