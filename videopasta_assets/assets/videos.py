"""Asset `videos`: the members of a shard, identified by the hash of their bytes."""

import dagster as dg

from resources.artifact import LANDING
from videopasta_assets.assets.shard_asset import shard_asset
from videopasta_assets.stages import videos as stage
from videopasta_assets.stages.project import Project, good_rows


def build(declared: Project) -> dg.AssetsDefinition:
    """The asset for the project that the definitions were loaded with."""
    return shard_asset(declared, "videos", stage.run, group=LANDING, spec=stage.spec(declared), figures=vanished)


def vanished(project: Project, shard: str) -> dict[str, int]:
    """How many members of the shard are tombstones."""
    return {"vanished": sum(not row["present"] for row in good_rows(project, "videos", shard))}
