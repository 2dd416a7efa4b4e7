"""Stage `scenes` of TimeWarp-Explicit: a video's scenes, from its annotations or detected and captioned.

A video whose annotations do not fit, or that has one scene within the limit, is an error row that says why: it waits
for better annotations and nothing of it is lost.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from videopasta_assets.engines import Reply, Request
from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.hashing import combined_hash, stable_hash
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.recipes.scene_annotations import load_annotations
from videopasta_assets.recipes.timeline import Scene, trimmed
from videopasta_assets.stages.materialize import Stage
from videopasta_assets.stages.project import Engines, Project, decoding, good_rows
from videopasta_assets.stages.recipe import RecipeStage
from videopasta_assets.stages.reply_cost import cost_of
from videopasta_assets.video.clip import Clip
from videopasta_assets.video.plan import FramePlan
from videopasta_assets.video.probe import VideoInfo
from videopasta_assets.video.scene_cuts import scene_bounds
from videopasta_assets.video.worker import probe_safely

STAGE_VERSION = "2"


def spec(project: Project) -> dict[str, str]:
    """Parts of the specification, by name."""
    explicit = project.settings.recipe.timewarp_explicit
    parts = {"stage": STAGE_VERSION, "limit": str(explicit.limit_seconds)}
    if explicit.annotations is not None:
        return {**parts, "source": "annotations"}
    return {
        **parts,
        "source": "detected",
        "detector": stable_hash(explicit.detector_threshold, explicit.min_scene_seconds),
        "model": project.model_id("query_writer"),
        "decoding": stable_hash(_captioning(project)),
        "prompt caption": project.prompts("query_writer").hash("caption"),
        **project.frame_parts,
    }


def _captioning(project: Project) -> Any:
    return decoding(project.role("query_writer").decoding, temperature=0.0, max_new_tokens=160)


def annotation_file(project: Project, video: Row) -> Path | None:
    """The annotations of a video: named after its identity, or after its file."""
    folder = project.settings.recipe.timewarp_explicit.annotations
    if folder is None:
        return None
    names = (f"{video['video_id']}.json", f"{Path(video['path']).stem}.json")
    return next((path for name in names if (path := project.settings.path(folder) / name).is_file()), None)


def annotations_version(project: Project, shard: str) -> dict[str, str]:
    """Versions of the shard's annotation files; nothing where scenes are detected."""
    if project.settings.recipe.timewarp_explicit.annotations is None:
        return {}
    digests = (_digest(annotation_file(project, video)) for video in good_rows(project, "sampled_videos", shard))
    return {"annotations": combined_hash(digests)}


def _digest(path: Path | None) -> str:
    return "absent" if path is None else hashlib.sha256(path.read_bytes()).hexdigest()


def derive(project: Project, shard: str) -> list[Derivation]:
    """One row a readable video."""
    parts, annotated = spec(project), project.settings.recipe.timewarp_explicit.annotations is not None
    derivations = []
    for video in good_rows(project, "sampled_videos", shard):
        path = annotation_file(project, video)
        digest = _digest(path) if annotated else ""
        derivations.append(
            Derivation(video["video_id"], stable_hash(video["data_version"], parts, digest), (video, path))
        )
    return derivations


def compute(project: Project, engines: Engines, derivations: Sequence[Derivation]) -> Iterator[Row]:
    """Read or detect, check, trim; a video that cannot be cut by its scenes is an error row."""
    for derivation in derivations:
        video, path = derivation.payload
        known: Row = {"row_key": derivation.row_key, "video_id": video["video_id"], "created_at": datetime.now(UTC)}
        try:
            yield {**known, **_scenes(project, engines, video, path)}
        except (UserError, VideoPastaError) as error:
            yield {**known, "error": str(error)}


def _scenes(project: Project, engines: Engines, video: Row, path: Path | None) -> Row:
    explicit = project.settings.recipe.timewarp_explicit
    cost: Row = {}
    if explicit.annotations is None:
        found, cost = _detected(project, engines, video)
        source = "detected"
    elif path is None:
        names = f"{video['video_id'][:12]}....json or {Path(video['path']).stem}.json"
        raise UserError("this video has no annotations", where=video["path"], fix=f"Add {names} to the folder.")
    else:
        found, source = load_annotations(path, video["duration"]), "annotations"
    scenes = trimmed(found, explicit.limit_seconds)
    if len(scenes) < 2:
        raise UserError(
            f"{len(scenes)} of {len(found)} scenes end within {explicit.limit_seconds:g} s: nothing can be reordered",
            where=video["path"],
        )
    return {
        "source": source,
        "scenes": json.dumps([asdict(scene) for scene in scenes]),
        "count": len(scenes),
        **cost,
    }


def _detected(project: Project, engines: Engines, video: Row) -> tuple[tuple[Scene, ...], Row]:
    """Scenes that the detector finds, captioned by the query writer; and what the captions cost."""
    explicit = project.settings.recipe.timewarp_explicit
    info = probe_safely(project.video_folder / video["path"], project.roots, project.limits)
    bounds = scene_bounds(
        info,
        project.reader,
        threshold=explicit.detector_threshold,
        min_seconds=explicit.min_scene_seconds,
        limit=explicit.limit_seconds,
    )
    if len(bounds) < 2:
        return tuple(Scene(start, end, "") for start, end in bounds), {}
    requests = []
    for number, (start, end) in enumerate(bounds):
        prompt = project.prompts("query_writer").render("caption", duration=end - start)
        clip = Clip(video["video_id"], info.path, scene_plan(project, info, start, end))
        requests.append(Request(str(number), prompt, clip, _captioning(project), number))
    replies: dict[str, Reply] = {reply.request_id: reply for reply in engines.engine("query_writer").generate(requests)}
    failed = next((reply.error for reply in replies.values() if reply.error is not None), None)
    if failed is not None:
        raise VideoPastaError(f"a scene could not be captioned: {failed}")
    scenes = tuple(
        Scene(start, end, " ".join(replies[str(number)].text.split())) for number, (start, end) in enumerate(bounds)
    )
    return scenes, {"captioner": project.model_id("query_writer"), **cost_of(*replies.values())}


def scene_plan(project: Project, info: VideoInfo, start: float, end: float) -> FramePlan:
    """The dense budget of frames, spread evenly over one scene."""
    within = [int(index) for index in np.flatnonzero((info.pts >= start - 1e-6) & (info.pts < end - 1e-6))] or [0]
    budget = min(project.sampling("dense").budget, len(within))
    indices = tuple(within[(2 * number + 1) * len(within) // (2 * budget)] for number in range(budget))
    return FramePlan(
        role="dense",
        indices=indices,
        timestamps=tuple(float(info.pts[index]) for index in indices),
        total_frames=info.total_frames,
        fps=info.fps,
        duration=info.duration,
        spec_hash=project.sampling("dense").spec_hash,
    )


def scenes_of(row: Row) -> tuple[Scene, ...]:
    """The scenes of a row of the table."""
    return tuple(Scene(**scene) for scene in json.loads(row["scenes"]))


SCENES: Final = RecipeStage(Stage("scenes", ("sampled_videos",), spec, derive, outside=annotations_version), compute)
