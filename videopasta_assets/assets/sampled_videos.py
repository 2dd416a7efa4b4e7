"""Asset `sampled_videos`: readable videos with their dense and sparse frame plans."""

from typing import Final

import dagster as dg

from resources.artifact import LANDING, asset_key
from resources.launcher import sampling
from resources.partitions import SHARDS
from videopasta_assets.assets.preview import markdown_picture
from videopasta_assets.assets.shard_asset import shard_asset
from videopasta_assets.errors import VideoPastaError
from videopasta_assets.stages import sampled_videos as stage
from videopasta_assets.stages.materialize import Outcome, Progress
from videopasta_assets.stages.project import Project, good_rows
from videopasta_assets.stages.recipes import recipe_of
from videopasta_assets.video.clip import load_frames
from videopasta_assets.video.film_strip import film_strip

_STRIPS: Final = 2
_STRIP_SIDE: Final = 160


def build(declared: Project) -> dg.AssetsDefinition:
    """The asset for the project that the definitions were loaded with."""

    return shard_asset(
        declared,
        "sampled_videos",
        run,
        group=LANDING,
        spec=stage.spec(declared),
        deps=["videos"],
        figures=film_strips,
    )


def run(project: Project, shard: str, *, retry_failed: bool, progress: Progress) -> Outcome:
    """Bring the shard's table up to date, wherever the settings have videos decoded."""
    return stage.run(project, shard, retry_failed=retry_failed, progress=progress, sample=sampling(project))


def film_strips(project: Project, shard: str) -> dict[str, dg.MarkdownMetadataValue]:
    """Pictures of the first videos of the shard, as each role sees them."""
    pictures: dict[str, list[str]] = {"dense": [], "sparse": []}
    for row, _ in zip(good_rows(project, "sampled_videos", shard), range(_STRIPS), strict=False):
        for role, strips in pictures.items():
            clip = stage.clip_of(project, row, role)
            try:
                frames = load_frames(clip, project.reader, max_side=_STRIP_SIDE)
            except VideoPastaError:  # the file went away since: a preview is no reason to fail
                continue
            strips.append(markdown_picture(film_strip(frames, clip.plan.timestamps), str(row["path"])))
    return {f"{role} frames": dg.MetadataValue.md("\n\n".join(strips)) for role, strips in pictures.items() if strips}


def build_checks(declared: Project) -> list[dg.AssetChecksDefinition]:
    """Checks on a shard's frame plans."""

    @dg.asset_check(
        asset=asset_key(declared, "sampled_videos"),
        partitions_def=SHARDS,
        blocking=True,
        description="Sparse frames are other frames than the dense ones; else an adversary contrasts nothing.",
    )
    def frame_plans_differ(
        context: dg.AssetCheckExecutionContext, project: dg.ResourceParam[Project]
    ) -> dg.AssetCheckResult:
        return plans_result(
            [bool(row["plans_coincide"]) for row in good_rows(project, "sampled_videos", context.partition_key)],
            allowed=project.settings.frames.allow_equal_plans or not recipe_of(project).sparse,
        )

    @dg.asset_check(
        asset=asset_key(declared, "sampled_videos"),
        partitions_def=SHARDS,
        description="Every present video of the shard could be read; the others are error rows.",
    )
    def videos_are_readable(
        context: dg.AssetCheckExecutionContext, project: dg.ResourceParam[Project]
    ) -> dg.AssetCheckResult:
        rows = project.lake.rows(project.address("sampled_videos", context.partition_key))
        broken = sum(row["error"] is not None for row in rows)
        return dg.AssetCheckResult(
            passed=broken == 0,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"{broken} of {len(rows)} videos cannot be read",
            metadata={"broken": broken},
        )

    return [frame_plans_differ, videos_are_readable]


def plans_result(coincide: list[bool], *, allowed: bool) -> dg.AssetCheckResult:
    """Fail when plans coincide: with a warning for single videos (a one-frame video has no sparser plan), and
    blocking when it is so for all of them, because then the sampling settings are at fault.
    """
    equal = sum(coincide)
    everywhere = bool(coincide) and equal == len(coincide)
    return dg.AssetCheckResult(
        passed=equal == 0 or allowed,
        severity=dg.AssetCheckSeverity.ERROR if everywhere else dg.AssetCheckSeverity.WARN,
        description=(
            f"dense and sparse plans use the same frames for {equal} of {len(coincide)} videos"
            + ("; change frames.sparse, or set frames.allow_equal_plans" if equal and not allowed else "")
        ),
        metadata={"coinciding": equal, "videos": len(coincide)},
    )
