"""Stage `sampled_videos`: probe a video, plan its dense and sparse frames, and see that they decode."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
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
from videopasta_assets.video.reader import EXACT, get_reader, parallel_reads
from videopasta_assets.video.worker import probe_safely
from videopasta_assets.video.worker_pool import shared_pool

Sample = Callable[[Project, Sequence[Derivation]], Iterator[Row]]
"""Computes rows of videos, as `compute` does it in this process."""

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
    with ThreadPoolExecutor(parallel_reads(project.reader), thread_name_prefix="videos") as threads:
        yield from threads.map(lambda derivation: sampled_row(project, derivation), derivations)


STAGE: Final = Stage("sampled_videos", ("videos",), spec, derive)


def run(
    project: Project,
    shard: str,
    *,
    retry_failed: bool = False,
    progress: Progress = silent,
    sample: Sample = compute,
) -> Outcome:
    """Bring the shard's `sampled_videos` up to date; `sample` computes the rows, wherever it does."""
    return run_stage(
        project, STAGE, shard, lambda todo: sample(project, todo), retry_failed=retry_failed, progress=progress
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


def policy_clip(project: Project, row: Row) -> Clip:
    """The clip of a `sampled_videos` row as training shows it: the dense one unless settings give the policy its own.

    Raises:
        UnreadableVideo: the file is gone, or cannot be read any more.
    """
    dense = clip_of(project, row, "dense")
    if project.settings.frames.policy is None:
        return dense
    info = probe_safely(dense.path, project.roots, project.limits)
    return replace(dense, plan=plan_frames(info, project.sampling("policy"), "policy"))


def sampled_row(project: Project, derivation: Derivation) -> Row:
    """The row of one video, or why it cannot be read.

    Raises:
        VideoPastaError: no decoder can be started.
    """
    try:
        return _sampled(project, derivation)
    except (UnreadableVideo, UserError) as error:
        return unreadable_row(derivation, str(error))


def unreadable_row(derivation: Derivation, why: str) -> Row:
    """The row of a video that cannot be read."""
    video = derivation.payload
    return {"row_key": derivation.row_key, "video_id": video["video_id"], "path": video["path"], "error": why}


def _sampled(project: Project, derivation: Derivation) -> Row:
    video = derivation.payload
    path = project.video_folder / video["path"]
    info = probe_safely(path, project.roots, project.limits, worker=shared_pool(parallel_reads(project.reader)))
    if info.video_id != video["video_id"]:
        raise UnreadableVideo("the content of this file is no longer what it was when it landed")
    dense = plan_frames(info, project.sampling("dense"), "dense")
    sparse = plan_frames(info, project.sampling("sparse"), "sparse")
    digest = _dense_digest(project, path, info, dense, sparse)
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


def _dense_digest(project: Project, path: Path, info: VideoInfo, dense: FramePlan, sparse: FramePlan) -> str:
    """Digest of the dense frames; the sparse ones come along in the same pass, to see that they decode."""
    digest = hashlib.blake2b(digest_size=16)
    times = {n: t for plan in (dense, sparse) for n, t in zip(plan.indices, plan.timestamps, strict=True)}
    wanted, counted = sorted(times), set(dense.indices)
    at_once = max(1, _READ_BYTES // (info.width * info.height * 3))
    for start in range(0, len(wanted), at_once):
        indices = wanted[start : start + at_once]
        seconds = [times[index] for index in indices]
        frames = project.reader.read(path, indices, timestamps=seconds)
        if project.reader.name != EXACT:
            exact = get_reader(EXACT, project.roots, limits=project.limits)
            _check_alike(frames, exact.read(path, indices, timestamps=seconds), indices)
        for index, frame in zip(indices, frames, strict=True):
            if index in counted:
                digest.update(frame.tobytes())
    return digest.hexdigest()


def _check_alike(frames: NDArray[np.uint8], exact: NDArray[np.uint8], indices: Sequence[int]) -> None:
    """Decoders convert colours a little differently; more is another picture."""
    for index, frame, truth in zip(indices, frames, exact, strict=True):
        if np.abs(frame.astype(np.int16) - truth).mean() > _COLOUR_STEPS:
            raise UnreadableVideo(f"the decoder shows another picture as frame {index}; use decoder: pyav")
