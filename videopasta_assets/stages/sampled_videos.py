"""Stage `sampled_videos`: probe a video, plan its dense and sparse frames, and see that they decode."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from videopasta_assets.errors import UserError
from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.stages.materialize import Outcome, Progress, Stage, run_stage, silent
from videopasta_assets.stages.project import Project, good_rows
from videopasta_assets.video.clip import Clip
from videopasta_assets.video.guard import UnreadableVideo
from videopasta_assets.video.plan import FramePlan, plan_frames, plans_coincide
from videopasta_assets.video.probe import VideoInfo
from videopasta_assets.video.reader import EXACT, get_reader
from videopasta_assets.video.worker import probe_safely

STAGE_VERSION = "2"
_READ_BYTES: Final = 256 << 20
"""Frames that are decoded only to be looked at are held in memory up to here."""
_COLOUR_STEPS: Final = 6
"""Mean difference of two pictures, of 255, that may still be one and the same."""


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
    """Probe, plan, decode; a video that cannot be read is a row that says why.

    Raises:
        VideoPastaError: no decoder can be started, which is no fault of the videos.
    """
    for derivation in derivations:
        try:
            yield _sampled(project, derivation)
        except (UnreadableVideo, UserError) as error:
            video = derivation.payload
            yield {
                "row_key": derivation.row_key,
                "video_id": video["video_id"],
                "path": video["path"],
                "error": str(error),
            }


STAGE: Final = Stage("sampled_videos", ("videos",), spec, derive)


def run(project: Project, shard: str, *, retry_failed: bool = False, progress: Progress = silent) -> Outcome:
    """Bring the shard's `sampled_videos` up to date."""
    return run_stage(
        project, STAGE, shard, lambda todo: compute(project, todo), retry_failed=retry_failed, progress=progress
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
    path = project.video_folder / video["path"]
    info = probe_safely(path, project.roots, project.limits)
    if info.video_id != video["video_id"]:
        raise UnreadableVideo("the content of this file is no longer what it was when it landed")
    dense = plan_frames(info, project.sampling("dense"), "dense")
    sparse = plan_frames(info, project.sampling("sparse"), "sparse")
    digest = _frames_digest(project, path, info, dense)
    _frames_digest(project, path, info, sparse, known=dense.indices)
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
        "frame_digest": digest,
    }


def _frames_digest(project: Project, path: Path, info: VideoInfo, plan: FramePlan, known: Sequence[int] = ()) -> str:
    """Digest of the plan's frames, without those that are `known` to decode."""
    digest = hashlib.blake2b(digest_size=16)
    wanted = [
        (index, second) for index, second in zip(plan.indices, plan.timestamps, strict=True) if index not in known
    ]
    at_once = max(1, _READ_BYTES // (info.width * info.height * 3))
    for start in range(0, len(wanted), at_once):
        indices, seconds = zip(*wanted[start : start + at_once], strict=True)
        frames = project.reader.read(path, indices, timestamps=seconds)
        if project.reader.name != EXACT:
            exact = get_reader(EXACT, project.roots, limits=project.limits)
            _check_alike(frames, exact.read(path, indices, timestamps=seconds), indices)
        digest.update(frames.tobytes())
    return digest.hexdigest()


def _check_alike(frames: NDArray[np.uint8], exact: NDArray[np.uint8], indices: Sequence[int]) -> None:
    """Decoders convert colours a little differently; more is another picture."""
    for index, frame, truth in zip(indices, frames, exact, strict=True):
        if np.abs(frame.astype(np.int16) - truth).mean() > _COLOUR_STEPS:
            raise UnreadableVideo(f"the decoder shows another picture as frame {index}; use decoder: pyav")
