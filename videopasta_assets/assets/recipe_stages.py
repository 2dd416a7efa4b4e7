"""Assets of a recipe other than VideoPASTA: one a stage, made from the stage alone, under the recipe's key prefix."""

from functools import partial
from typing import Final

import dagster as dg

from resources.artifact import GENERATION, LANDING, VERIFICATION
from videopasta_assets.assets.shard_asset import engine_asset, shard_asset
from videopasta_assets.stages.project import Project
from videopasta_assets.stages.recipe import NO_ENGINES, Recipe, RecipeStage

_GROUPS: Final = {"scenes": LANDING, "altered_videos": LANDING, "verdicts": VERIFICATION}
"""Place in the pipeline; other tables are generation."""


def build(declared: Project, recipe: Recipe) -> list[dg.AssetsDefinition]:
    """The assets of the recipe's stages, for the project that the definitions were loaded with."""
    return [_asset(declared, stage) for stage in recipe.stages]


def _asset(declared: Project, stage: RecipeStage) -> dg.AssetsDefinition:
    spec, deps = stage.stage.spec(declared), stage.stage.inputs
    group = _GROUPS.get(stage.table, GENERATION)
    if stage.asks:
        return engine_asset(declared, stage.table, stage.run, group=group, spec=spec, deps=deps)
    return shard_asset(declared, stage.table, partial(stage.run, engines=NO_ENGINES), group=group, spec=spec, deps=deps)
