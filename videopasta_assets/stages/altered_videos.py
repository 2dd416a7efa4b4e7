"""Stage `altered_videos` of TimeWarp-Explicit: two real files a video, its scenes in their own order and in another.

Both are built from one list of intervals, so that neither length nor gaps tell them apart.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from videopasta_assets.errors import UserError
from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.recipes import request_seed
from videopasta_assets.recipes.timeline import combined_caption, order_of, reorder, timeline
from videopasta_assets.stages.materialize import Stage
from videopasta_assets.stages.project import Engines, Project, good_rows
from videopasta_assets.stages.recipe import RecipeStage
from videopasta_assets.stages.scenes import scenes_of
from videopasta_assets.video.clip import Clip
from videopasta_assets.video.guard import UnreadableVideo
from videopasta_assets.video.plan import FramePlan, plan_frames
from videopasta_assets.video.rebuild import rebuild
from videopasta_assets.video.worker import probe_safely

STAGE_VERSION = "1"
ORIGINAL: Final = "original"
ALTERED: Final = "altered"


def spec(project: Project) -> dict[str, str]:
    """Parts of the specification, by name."""
    return {
        "stage": STAGE_VERSION,
        "seed": str(project.settings.seed),
        "dense sampling": project.sampling("dense").spec_hash,
    }


def derive(project: Project, shard: str) -> list[Derivation]:
    """Two rows a video that has scenes."""
    parts = spec(project)
    videos = {row["video_id"]: row for row in good_rows(project, "sampled_videos", shard)}
    return [
        Derivation(
            stable_hash("altered", row["video_id"], which),
            stable_hash(row["data_version"], videos[row["video_id"]]["data_version"], parts),
            (row, videos[row["video_id"]], which),
        )
        for row in good_rows(project, "scenes", shard)
        if row["video_id"] in videos
        for which in (ORIGINAL, ALTERED)
    ]


def compute(project: Project, _: Engines, derivations: Sequence[Derivation]) -> Iterator[Row]:
    """Write the files; a source that cannot be read any more is an error row."""
    for derivation in derivations:
        row, video, which = derivation.payload
        known: Row = {"row_key": derivation.row_key, "altered_id": derivation.row_key, "video_id": row["video_id"]}
        try:
            yield {**known, **_written(project, row, video, which)}
        except (UserError, UnreadableVideo) as error:
            yield {**known, "error": str(error)}


def _written(project: Project, row: Row, video: Row, which: str) -> Row:
    scenes = scenes_of(row)
    seed = request_seed(project.settings.seed, "order", row["video_id"])
    permutation = tuple(range(len(scenes))) if which == ORIGINAL else reorder(len(scenes), seed)
    placed = timeline(scenes, permutation)
    source = probe_safely(project.video_folder / video["path"], project.roots, project.limits)
    digest = stable_hash(row["video_id"], placed, STAGE_VERSION)
    target = project.altered_folder / project.recipe / f"{row['video_id'][:16]}-{digest[:12]}.mp4"
    if not target.exists():
        rebuild(source, [(scene.source_start, scene.source_end) for scene in placed], target, project.reader)
    info = probe_safely(target, project.roots, project.limits)
    plan = plan_frames(info, project.sampling("dense"), "dense")
    return {
        "scene_order": order_of(permutation).value,
        "path": target.relative_to(project.settings.root).as_posix(),
        "file_id": info.video_id,
        "timeline": json.dumps([asdict(scene) for scene in placed]),
        "caption": combined_caption(placed),
        "fps": info.fps,
        "total_frames": info.total_frames,
        "duration": info.duration,
        "dense_frames": list(plan.indices),
        "dense_timestamps": list(plan.timestamps),
        "seed": seed,
    }


def altered_clip(project: Project, row: Row) -> Clip:
    """The rebuilt video of a row, with its dense frames."""
    plan = FramePlan(
        role="dense",
        indices=tuple(row["dense_frames"]),
        timestamps=tuple(row["dense_timestamps"]),
        total_frames=row["total_frames"],
        fps=row["fps"],
        duration=row["duration"],
        spec_hash=project.sampling("dense").spec_hash,
    )
    return Clip(row["file_id"], project.settings.path(Path(row["path"])), plan)


def is_held_out(project: Project, video_id: str) -> bool:
    """The video belongs to the benchmark: decided by its hash alone, whatever other videos there are."""
    return int(video_id[:8], 16) / 16**8 < project.settings.recipe.timewarp_explicit.held_out


def rebuilt(project: Project, shard: str) -> dict[str, tuple[Row, Row]]:
    """(original, altered) rows by source video, of those that have both and that pairs may be made of."""
    return {video: rows for video, rows in _both(project, shard).items() if not is_held_out(project, video)}


def held_out(project: Project, shard: str) -> dict[str, tuple[Row, Row]]:
    """(original, altered) rows by source video, of those that the benchmark is made of."""
    return {video: rows for video, rows in _both(project, shard).items() if is_held_out(project, video)}


def _both(project: Project, shard: str) -> dict[str, tuple[Row, Row]]:
    rows: dict[str, dict[bool, Row]] = {}
    for row in good_rows(project, "altered_videos", shard):
        rows.setdefault(row["video_id"], {})[row["scene_order"] == ORIGINAL] = row
    return {video: (both[True], both[False]) for video, both in rows.items() if len(both) == 2}


def original_clips(project: Project, shard: str) -> Mapping[str, Clip]:
    """The rebuilt original of each source video: what questions are about and training shows."""
    return {video: altered_clip(project, original) for video, (original, _) in rebuilt(project, shard).items()}


ALTERED_VIDEOS: Final = RecipeStage(
    Stage("altered_videos", ("sampled_videos", "scenes"), spec, derive), compute, asks=False
)
