"""Asset `aligned_responses`: the responder's answers on the dense frames (r+)."""

import dagster as dg

from resources.artifact import GENERATION
from videopasta_assets.assets.shard_asset import engine_asset
from videopasta_assets.stages import aligned_responses as stage
from videopasta_assets.stages.project import Project


def build(declared: Project) -> dg.AssetsDefinition:
    """The asset for the project that the definitions were loaded with."""
    return engine_asset(
        declared,
        "aligned_responses",
        stage.run,
        group=GENERATION,
        spec=stage.spec(declared),
        deps=["sampled_videos", "queries"],
    )
