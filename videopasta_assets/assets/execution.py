"""Runs in this process on a real Dagster instance: what the command line does, the web interface shows."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg
from dagster._core.instance.ref import InstanceRef

from dbt_like_sql.assets import QUESTIONS_JOB
from resources.artifact import asset_key, op_name
from resources.killed_runs import close_killed_runs, process_tags
from resources.partitions import SHARDS, score_key
from resources.progress import ProgressListener
from resources.relaxed_sqlite import relaxed_sqlite
from videopasta_assets.assets.config import ShardConfig
from videopasta_assets.assets.jobs import EVALUATE, PAIRS, PREFERENCES, TRAIN, shard_keys
from videopasta_assets.assets.materialization import MISTAKE
from videopasta_assets.assets.pipeline import pipeline_definitions
from videopasta_assets.planning.plan import SHARD_ASSETS
from videopasta_assets.stages.project import Engines, Project
from videopasta_assets.stages.recipes import recipe_of


@dataclass(frozen=True)
class ExecutionResult:
    """How a run ended.

    Attributes:
        success: everything was materialized, and no blocking check failed.
        run_id: the run in Dagster's instance.
        failed_step: the step that failed first.
        error: one sentence; of an unexpected error, its type and message.
        mistake: the user can mend it, as opposed to work that failed.
    """

    success: bool
    run_id: str
    failed_step: str | None = None
    error: str | None = None
    mistake: bool = False


def execute_shard(
    project: Project,
    instance: dg.DagsterInstance,
    shard: str,
    tables: Sequence[str] = SHARD_ASSETS,
    *,
    retry_failed: bool = False,
    progress: ProgressListener | None = None,
    engines: Engines | None = None,
) -> ExecutionResult:
    """Materialize `tables` of one shard, in pipeline order, with their checks.

    Args:
        project: settings and lake.
        instance: where the run is recorded; the shard's partition is added there.
        shard: key of a sealed shard.
        tables: assets partitioned by shard; `adversaries` brings its `verdicts`.
        retry_failed: compute error rows again.
        progress: who is told of progress.
        engines: who answers for the roles; none: the models that the project names.
    """
    shard = project.partition(shard)
    instance.add_dynamic_partitions(str(SHARDS.name), [shard])
    keys = shard_keys(project, tables)
    config = ShardConfig(retry_failed=retry_failed)
    # VideoPASTA's loop over adversaries and verdicts is one step, named after the former.
    looped = recipe_of(project).attempts
    steps = {op_name(key) for key in keys if not (looped and key.path[-1] == "verdicts")}
    return _execute(
        pipeline_definitions(project, engines=engines, progress=progress),
        PAIRS,
        instance,
        partition=shard,
        keys=keys,
        ops=dict.fromkeys(sorted(steps), config),
    )


def execute_preference_set(project: Project, instance: dg.DagsterInstance) -> ExecutionResult:
    """Materialize the preference set with its checks."""
    return _execute(pipeline_definitions(project), PREFERENCES, instance)


def execute_training(
    project: Project, instance: dg.DagsterInstance, experiment: str, *, progress: ProgressListener | None = None
) -> ExecutionResult:
    """Train one experiment on the preference set."""
    return _execute(
        pipeline_definitions(project, progress=progress), TRAIN, instance, partition=project.partition(experiment)
    )


def execute_benchmark(
    project: Project,
    instance: dg.DagsterInstance,
    experiment: str,
    benchmark: str,
    *,
    retry_failed: bool = False,
    progress: ProgressListener | None = None,
    engines: Engines | None = None,
) -> ExecutionResult:
    """Score base and tuned model of one experiment on one benchmark."""
    definitions = pipeline_definitions(project, engines=engines, progress=progress)
    step = op_name(asset_key(project, "benchmark_scores"))
    ops = {step: ShardConfig(retry_failed=retry_failed)}
    return _execute(
        definitions, EVALUATE, instance, partition=score_key(project.partition(experiment), benchmark), ops=ops
    )


def execute_sql_models(project: Project, instance: dg.DagsterInstance) -> ExecutionResult:
    """Run every SQL model over the lake as it is now, with its checks."""
    return _execute(pipeline_definitions(project), QUESTIONS_JOB, instance)


def _execute(
    definitions: dg.Definitions,
    job: str,
    instance: dg.DagsterInstance,
    *,
    partition: str | None = None,
    keys: Sequence[dg.AssetKey] | None = None,
    ops: Mapping[str, dg.Config] | None = None,
) -> ExecutionResult:
    result = definitions.resolve_job_def(job).execute_in_process(
        instance=instance,
        partition_key=partition,
        asset_selection=keys,
        # Events are in the instance; the caller's terminal is the caller's.
        run_config=dg.RunConfig(ops=dict(ops or {}), loggers={"console": {"config": {"log_level": "CRITICAL"}}}),
        tags=process_tags(instance),
        raise_on_error=False,
    )
    if result.success:
        return ExecutionResult(True, result.run_id)
    failure = next((event for event in result.all_events if event.is_step_failure), None)
    if failure is None:
        broken = next((event.job_failure_data.error for event in result.all_events if event.is_job_failure), None)
        return ExecutionResult(False, result.run_id, None, _innermost(broken))
    blocking = [
        f"{check.asset_key.path[-1]}, check {check.check_name}: {check.description}"
        for check in result.get_asset_check_evaluations()
        if check.blocking and not check.passed and check.severity is dg.AssetCheckSeverity.ERROR
    ]
    if blocking:
        return ExecutionResult(False, result.run_id, failure.step_key, "; ".join(blocking))
    data = failure.step_failure_data
    mine = data.user_failure_data
    if mine is not None:
        mistake = MISTAKE in mine.metadata and bool(mine.metadata[MISTAKE].value)
        return ExecutionResult(False, result.run_id, failure.step_key, mine.description, mistake)
    return ExecutionResult(False, result.run_id, failure.step_key, _innermost(data.error))


def _innermost(error: Any) -> str:
    """Message of the error that started a chain of causes."""
    while error is not None and error.cause is not None:
        error = error.cause
    return error.message.strip() if error is not None else "unknown error"


@contextmanager
def open_instance(home: Path) -> Iterator[dg.DagsterInstance]:
    """The Dagster instance in `home` for runs of this process: the output of a step stays on the caller's terminal.

    By default Dagster redirects it to files and mirrors it with four processes a step, which costs time and tears
    progress bars. Its records are not waited for (`relaxed_sqlite`). Runs of processes that were killed are closed:
    their pool slots would never become free.
    """
    no_capture = {
        "compute_logs": {
            "module": "dagster._core.storage.noop_compute_log_manager",
            "class": "NoOpComputeLogManager",
        }
    }
    with (
        relaxed_sqlite(home),
        dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home), overrides=no_capture)) as instance,
    ):
        close_killed_runs(instance)
        yield instance
