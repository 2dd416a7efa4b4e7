"""Asset `videos`: the members of a shard, identified by the hash of their bytes."""

from typing import Any

import dagster as dg

from resources.artifact import LANDING, artifact_spec
from resources.partitions import ONE_AT_A_TIME, SHARDS
from resources.progress import ProgressListener
from videopasta_assets.assets.config import ShardConfig
from videopasta_assets.assets.materialization import one_sentence, result_of
from videopasta_assets.stages import videos as stage
from videopasta_assets.stages.project import Project


def build(declared: Project) -> dg.AssetsDefinition:
    """The asset for the project that the definitions were loaded with."""

    @dg.multi_asset(
        name="videos",
        specs=[artifact_spec(declared, "videos", group=LANDING, spec=stage.spec(declared), kinds={"python"})],
        partitions_def=SHARDS,
        backfill_policy=ONE_AT_A_TIME,
    )
    def videos(
        context: dg.AssetExecutionContext,
        config: ShardConfig,
        project: dg.ResourceParam[Project],
        progress: dg.ResourceParam[ProgressListener],
    ) -> dg.MaterializeResult[Any]:
        shard = context.partition_key
        with one_sentence():
            outcome = stage.run(project, shard, retry_failed=config.retry_failed, progress=progress.report)
            gone = sum(not row["present"] for row in project.lake.rows(project.address("videos", shard)))
            return result_of(project, "videos", shard, outcome, {"vanished": gone})

    return videos
