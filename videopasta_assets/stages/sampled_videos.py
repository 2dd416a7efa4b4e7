"""Stage `sampled_videos`: probe a video, plan its dense and sparse frames, and see that they decode."""

import hashlib
from collections.abc import Iterator, Sequence

from videopasta_assets.errors import VideoPastaError
from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.stages.materialize import Outcome, Progress, materialize, silent
from videopasta_assets.stages.project import Project, good_rows
from videopasta_assets.video.clip import Clip, load_frames
from videopasta_assets.video.plan import FramePlan, plan_frames, plans_coincide
from videopasta_assets.video.worker import probe_safely

STAGE_VERSION = "1"


def spec(project: Project) -> dict[str, str]:
    """Parts of the specification, by name."""
    return {
        "stage": STAGE_VERSION,
        "dense sampling": project.sampling("dense").spec_hash,
        "sparse sampling": project.sampling("sparse").spec_hash,
        "decoder": project.settings.videos.decoder,
    }


def derive(project: Project, shard: str) -> list[Derivation]:
    """One row a present video."""
    parts = spec(project)
    return [
        Derivation(str(row["video_id"]), stable_hash(row["data_version"], parts), row)
        for row in good_rows(project, "videos", shard)
        if row["present"]
    ]


def compute(project: Project, derivations: Sequence[Derivation]) -> Iterator[Row]:
    """Probe, plan, decode; a video that cannot be read is a row that says why."""
    for derivation in derivations:
        try:
            yield _sampled(project, derivation)
        except VideoPastaError as error:
            video = derivation.payload
            yield {
                "row_key": derivation.row_key,
                "video_id": video["video_id"],
                "path": video["path"],
                "error": str(error),
            }


def run(project: Project, shard: str, *, retry_failed: bool = False, progress: Progress = silent) -> Outcome:
    """Bring the shard's `sampled_videos` up to date."""
    return materialize(
        project.lake,
        project.address("sampled_videos", shard),
        derive(project, shard),
        lambda todo: compute(project, todo),
        spec(project),
        retry_failed=retry_failed,
        progress=progress,
    )


def clip_of(project: Project, row: Row, role: str) -> Clip:
    """The clip of a `sampled_videos` row with its `dense` or `sparse` frame plan."""
    plan = FramePlan(
        role=role,
        indices=tuple(row[f"{role}_frames"]),
        timestamps=tuple(row[f"{role}_timestamps"]),
        total_frames=row["total_frames"],
        fps=row["fps"],
        duration=row["duration"],
        spec_hash=project.sampling("dense" if role == "dense" else "sparse").spec_hash,
    )
    return Clip(video_id=row["video_id"], path=project.video_folder / row["path"], plan=plan)


def _sampled(project: Project, derivation: Derivation) -> Row:
    video = derivation.payload
    info = probe_safely(project.video_folder / video["path"], project.roots)
    dense = plan_frames(info, project.sampling("dense"), "dense")
    sparse = plan_frames(info, project.sampling("sparse"), "sparse")
    clip = Clip(video["video_id"], project.video_folder / video["path"], dense)
    frames = load_frames(clip, project.reader)
    return {
        "row_key": derivation.row_key,
        "video_id": video["video_id"],
        "path": video["path"],
        "container": info.container,
        "codec": info.codec,
        "width": info.width,
        "height": info.height,
        "fps": info.fps,
        "total_frames": info.total_frames,
        "duration": info.duration,
        "dense_frames": list(dense.indices),
        "dense_timestamps": list(dense.timestamps),
        "dense_plan": dense.identity,
        "sparse_frames": list(sparse.indices),
        "sparse_timestamps": list(sparse.timestamps),
        "sparse_plan": sparse.identity,
        "plans_coincide": plans_coincide(dense, sparse),
        "decoder": project.reader.name,
        "frame_digest": hashlib.blake2b(frames.tobytes(), digest_size=16).hexdigest(),
    }
