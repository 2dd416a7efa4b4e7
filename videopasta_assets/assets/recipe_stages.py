"""Assets of a recipe other than VideoPASTA: one a stage, made from the stage alone, under the recipe's key prefix."""

from functools import partial
from typing import Final

import dagster as dg

from resources.artifact import GENERATION, LANDING, VERIFICATION, asset_key
from resources.partitions import SHARDS
from videopasta_assets.assets.shard_asset import engine_asset, shard_asset
from videopasta_assets.stages.iteration import at_partition
from videopasta_assets.stages.project import Project, good_rows
from videopasta_assets.stages.recipe import NO_ENGINES, Recipe, RecipeStage
from videopasta_assets.stages.timewar import chance, disjointness

_GROUPS: Final = {"scenes": LANDING, "altered_videos": LANDING, "verdicts": VERIFICATION}
"""Place in the pipeline; other tables are generation."""

_BENCHMARK: Final = "timewar_items"


def build(declared: Project, recipe: Recipe) -> list[dg.AssetsDefinition]:
    """The assets of the recipe's stages, for the project that the definitions were loaded with."""
    return [_asset(declared, stage) for stage in recipe.stages]


def build_checks(declared: Project, recipe: Recipe) -> list[dg.AssetChecksDefinition]:
    """Checks of the stages that have any."""
    if _BENCHMARK not in recipe.tables:
        return []

    @dg.asset_check(
        asset=asset_key(declared, _BENCHMARK),
        partitions_def=SHARDS,
        blocking=True,
        description="No pair of any recipe in the lake is about a video that the benchmark asks about.",
    )
    def videos_are_held_out(
        context: dg.AssetCheckExecutionContext, project: dg.ResourceParam[Project]
    ) -> dg.AssetCheckResult:
        project = at_partition(project, context.partition_key)
        rows = good_rows(project, _BENCHMARK, context.partition_key)
        found = disjointness(project, {row["video_id"] for row in rows})
        said = f"{len(found.shared)} of them are" if found.shared else "none is"
        return dg.AssetCheckResult(
            passed=not found.shared,
            description=f"{said} among the {found.training_videos} videos of {found.pairs} pairs, by SHA-256",
            metadata={
                "pairs looked at": found.pairs,
                "videos of pairs": found.training_videos,
                "recipes": ", ".join(found.recipes),
                "shared": ", ".join(video for video, _ in found.shared[:5]),
                **{f"by guessing: {name}": share for name, share in chance().items()},
            },
        )

    return [videos_are_held_out]


def _asset(declared: Project, stage: RecipeStage) -> dg.AssetsDefinition:
    spec, deps = stage.stage.spec(declared), stage.stage.inputs
    group = _GROUPS.get(stage.table, GENERATION)
    if stage.asks:
        return engine_asset(declared, stage.table, stage.run, group=group, spec=spec, deps=deps)
    return shard_asset(declared, stage.table, partial(stage.run, engines=NO_ENGINES), group=group, spec=spec, deps=deps)
