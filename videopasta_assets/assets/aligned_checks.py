"""Asset `aligned_checks`: which aligned responses stood up to a check that can see."""

import dagster as dg

from resources.artifact import VERIFICATION
from videopasta_assets.assets.shard_asset import engine_asset
from videopasta_assets.stages import aligned_checks as stage
from videopasta_assets.stages.project import Project


def build(declared: Project) -> dg.AssetsDefinition:
    """The asset for the project that the definitions were loaded with."""
    return engine_asset(
        declared,
        "aligned_checks",
        stage.run,
        group=VERIFICATION,
        spec=stage.spec(declared),
        deps=["sampled_videos", "aligned_responses"],
    )
