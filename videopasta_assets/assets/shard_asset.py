"""The form that assets of one shard share: bring the shard's table up to date, and tell Dagster what that did."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import dagster as dg

from resources.artifact import GPU_POOL, artifact_spec, asset_key, op_name
from resources.engine_work import engine_work, work_figures
from resources.engines import engines_of
from resources.partitions import ONE_AT_A_TIME, SHARDS
from resources.progress import ProgressListener
from videopasta_assets.assets.config import ShardConfig
from videopasta_assets.assets.materialization import one_sentence, result_of
from videopasta_assets.stages.iteration import at_partition
from videopasta_assets.stages.materialize import Outcome, Progress
from videopasta_assets.stages.project import Engines, Project

Figures = Callable[[Project, str], Mapping[str, Any]]
"""Further metadata of a materialization, from project and shard."""


class RunShard(Protocol):
    """`run` of a stage that computes without a model."""

    def __call__(self, project: Project, shard: str, *, retry_failed: bool, progress: Progress) -> Outcome:
        """Bring the shard's table up to date."""
        ...


class RunShardWithEngines(Protocol):
    """`run` of a stage that asks models."""

    def __call__(
        self, project: Project, shard: str, engines: Engines, *, retry_failed: bool, progress: Progress
    ) -> Outcome:
        """Bring the shard's table up to date."""
        ...


def shard_asset(
    declared: Project,
    table: str,
    run: RunShard,
    *,
    group: str,
    spec: Mapping[str, str],
    deps: Iterable[str] = (),
    figures: Figures | None = None,
) -> dg.AssetsDefinition:
    """The asset of a table that is computed without a model.

    Args:
        declared: the project that the definitions were loaded with.
        table: table of the lake.
        run: the stage.
        group: place in the pipeline.
        spec: the stage's specification; its hash is the code version.
        deps: tables that it is derived from.
        figures: further metadata.
    """

    @dg.multi_asset(
        name=op_name(asset_key(declared, table)),
        specs=[artifact_spec(declared, table, group=group, spec=spec, deps=deps, kinds={"python"})],
        partitions_def=SHARDS,
        backfill_policy=ONE_AT_A_TIME,
    )
    def asset(
        context: dg.AssetExecutionContext,
        config: ShardConfig,
        project: dg.ResourceParam[Project],
        progress: dg.ResourceParam[ProgressListener],
    ) -> dg.MaterializeResult[Any]:
        shard = context.partition_key
        with one_sentence():
            project = at_partition(project, shard)
            outcome = run(project, shard, retry_failed=config.retry_failed, progress=progress.report)
            return result_of(project, table, shard, outcome, figures(project, shard) if figures else None)

    return asset


def engine_asset(
    declared: Project,
    table: str,
    run: RunShardWithEngines,
    *,
    group: str,
    spec: Mapping[str, str],
    deps: Iterable[str],
) -> dg.AssetsDefinition:
    """The asset of a table that models write: as `shard_asset`, with the engines and a place in the GPU pool."""

    @dg.multi_asset(
        name=op_name(asset_key(declared, table)),
        specs=[artifact_spec(declared, table, group=group, spec=spec, deps=deps, kinds={"huggingface"})],
        partitions_def=SHARDS,
        backfill_policy=ONE_AT_A_TIME,
        pool=GPU_POOL,
    )
    def asset(
        context: dg.AssetExecutionContext,
        config: ShardConfig,
        project: dg.ResourceParam[Project],
        engines: dg.ResourceParam[Engines],
        progress: dg.ResourceParam[ProgressListener],
    ) -> dg.MaterializeResult[Any]:
        shard = context.partition_key
        with one_sentence():
            project = at_partition(project, shard)
            engines = engines_of(project, engines)
            before = engine_work()
            outcome = run(project, shard, engines, retry_failed=config.retry_failed, progress=progress.report)
            return result_of(project, table, shard, outcome, work_figures(before))

    return asset
