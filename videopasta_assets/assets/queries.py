"""Asset `queries`: what the query writer asks about each video, in every mode and category."""

import dagster as dg

from resources.artifact import GENERATION
from videopasta_assets.assets.shard_asset import engine_asset
from videopasta_assets.stages import queries as stage
from videopasta_assets.stages.project import Project


def build(declared: Project) -> dg.AssetsDefinition:
    """The asset for the project that the definitions were loaded with."""
    return engine_asset(
        declared, "queries", stage.run, group=GENERATION, spec=stage.spec(declared), deps=["sampled_videos"]
    )
