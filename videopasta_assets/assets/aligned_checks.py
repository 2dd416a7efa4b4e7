"""Asset `aligned_checks`: which aligned responses stood up to a check that can see."""

from typing import Any

import dagster as dg

from resources.artifact import GPU_POOL, VERIFICATION, artifact_spec
from resources.partitions import ONE_AT_A_TIME, SHARDS
from resources.progress import ProgressListener
from videopasta_assets.assets.config import ShardConfig
from videopasta_assets.assets.materialization import one_sentence, result_of
from videopasta_assets.stages import aligned_checks as stage
from videopasta_assets.stages.project import Engines, Project


def build(declared: Project) -> dg.AssetsDefinition:
    """The asset for the project that the definitions were loaded with."""

    @dg.multi_asset(
        name=f"{declared.recipe}__aligned_checks",
        specs=[
            artifact_spec(
                declared,
                "aligned_checks",
                group=VERIFICATION,
                spec=stage.spec(declared),
                deps=["sampled_videos", "aligned_responses"],
                kinds={"huggingface"},
            )
        ],
        partitions_def=SHARDS,
        backfill_policy=ONE_AT_A_TIME,
        pool=GPU_POOL,
    )
    def aligned_checks(
        context: dg.AssetExecutionContext,
        config: ShardConfig,
        project: dg.ResourceParam[Project],
        engines: dg.ResourceParam[Engines],
        progress: dg.ResourceParam[ProgressListener],
    ) -> dg.MaterializeResult[Any]:
        shard = context.partition_key
        with one_sentence():
            outcome = stage.run(project, shard, engines, retry_failed=config.retry_failed, progress=progress.report)
            return result_of(project, "aligned_checks", shard, outcome)

    return aligned_checks
