"""`videopasta run`: land new videos, plan, and do exactly what the plan says."""

import os
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Final

import typer

from videopasta_assets.cli.console import OUT, print_json, print_table, say
from videopasta_assets.cli.options import (
    HERE,
    JsonOption,
    LimitOption,
    PartOption,
    ProjectOption,
    RetryOption,
    SelectOption,
    ShardsOption,
    dagster_home,
    open_project,
    shards_of_part,
)
from videopasta_assets.cli.plan import planned_steps, show_plan
from videopasta_assets.cli.progress import RunProgress
from videopasta_assets.errors import UserError, VideoPastaError

if TYPE_CHECKING:
    from dagster import DagsterInstance

    from videopasta_assets.planning import PlanStep
    from videopasta_assets.stages.project import Project

_TRAINING: Final = ("lora_checkpoint", "benchmark_scores")


def run(
    project: ProjectOption = HERE,
    shards: ShardsOption = None,
    select: SelectOption = None,
    limit: LimitOption = None,
    part: PartOption = None,
    retry_failed: RetryOption = False,
    train: Annotated[bool, typer.Option("--train/--no-train", help="Train and score when the pairs are done.")] = True,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only print the plan, as `videopasta plan` does.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Bring the whole project up to date: pairs, preference set, checkpoints, scores and SQL models.

    Only what the plan names is computed; what is fresh is left alone. A run that was stopped goes on where it was.
    """
    started = time.monotonic()
    opened = open_project(project)
    if part is not None and (shards or select):
        raise UserError("--part names shards and assets itself", fix="Leave out --shards and --select.")
    if dry_run:
        if part is not None:
            shards, select = _of_part(opened, part)
        show_plan(opened, shards, select, limit=limit, retry_failed=retry_failed, diff=False, as_json=as_json)
        return
    steps = bring_up_to_date(opened, shards, select, limit=limit, part=part, retry_failed=retry_failed, train=train)
    _report(opened, steps, time.monotonic() - started, as_json=as_json)


def bring_up_to_date(
    project: "Project",
    shards: list[str] | None = None,
    select: list[str] | None = None,
    *,
    limit: int | None = None,
    part: str | None = None,
    retry_failed: bool = False,
    train: bool = True,
    models: bool = True,
) -> list["PlanStep"]:
    """Land, plan, and do the plan's steps and the SQL models; returns the steps.

    Of a part only the steps of its shards are done: what fans in, and the models, wait for a run of the whole. Without
    `models` they wait for the next run.

    Raises:
        VideoPastaError: a step failed; what was done before stays.
    """
    from dbt_like_sql.freshness import mark_behind, mark_current, may_be_behind

    _land(project)
    if part is not None:
        shards, select = _of_part(project, part)
        if not shards:
            say(f"There is no shard in part {part}.")
            return []
    done: list[PlanStep] = []
    for turn in _iterations(project):
        planned = planned_steps(turn, shards, select, limit=limit, retry_failed=retry_failed)
        steps = [step for step in planned.steps if step.to_do and (train or step.asset not in _TRAINING)]
        _check_benchmarks(turn, steps)
        whole = models and part is None
        if steps or (whole and may_be_behind(turn.lake)):
            # A run that was stopped may have left the models behind the tables.
            mark_behind(turn.lake)
            _execute(turn, steps, retry_failed=retry_failed, whole=whole)
            if whole:
                mark_current(turn.lake)
        done += steps
    return done


def _iterations(project: "Project") -> Iterator["Project"]:
    """The project in each of its recipe's iterations, as far as the one before has a checkpoint to start from."""
    from videopasta_assets.stages.iteration import at_iteration, check_rounds, current_iteration

    check_rounds(project)
    for number in range(1, project.settings.recipe.iterations + 1):
        if number > current_iteration(project):
            return
        if number > 1:
            say(f"Iteration {number} of {project.settings.recipe.iterations}")
        yield at_iteration(project, number)


def _land(project: "Project") -> None:
    from videopasta_assets.stages.landing import land

    landing, sealed = land(project)
    if sealed:
        say(f"{sum(len(shard.videos) for shard in sealed)} new videos sealed into {len(sealed)} shards.")
    for unreadable in landing.unreadable:
        say(f"skipped, cannot be read: {unreadable}")


def _check_benchmarks(project: "Project", steps: list["PlanStep"]) -> None:
    """A benchmark whose files are missing or malformed is told now, not after hours of generation and training.

    Raises:
        UserError: one of the benchmarks to score on cannot be read.
    """
    if not any(step.asset == "benchmark_scores" for step in steps):
        return
    from videopasta_assets.stages.benchmark_items import check_ready

    for benchmark in project.settings.evaluation.benchmarks:
        try:
            check_ready(project, benchmark.name)
        except UserError as error:
            fix = f"{error.fix} Or run with --no-train.".strip()
            raise UserError(error.what, where=error.where, fix=fix) from error


def _of_part(project: "Project", part: str) -> tuple[list[str], list[str]]:
    """Shards and assets that a part is made of."""
    from videopasta_assets.lake.shards import list_shards
    from videopasta_assets.planning.plan import SHARD_ASSETS

    return shards_of_part(part, list_shards(project.lake)), list(SHARD_ASSETS)


def _execute(project: "Project", steps: list["PlanStep"], *, retry_failed: bool, whole: bool) -> None:
    """Do the steps, a partition at a time, and of the whole project the SQL models too.

    Each is a run that Dagster's web interface shows.

    Raises:
        VideoPastaError: a step failed; what was done before stays.
    """
    say("Loading Dagster ...")
    quieten_libraries()
    from resources.progress import ProgressListener
    from videopasta_assets.assets import execution
    from videopasta_assets.cli.throughput import Throughput
    from videopasta_assets.engines.meter import Meter
    from videopasta_assets.planning.step import Cost

    meter, expected = Meter(), Cost.total(step.cost for step in steps).calls_expected
    with _dagster_instance(project) as instance, RunProgress(len(steps), Throughput(meter, expected)) as progress:
        listener = ProgressListener(progress.report, progress.training, meter)

        def succeed(result: execution.ExecutionResult) -> None:
            if not result.success:
                sentence = result.error or "it failed without a message"
                raise UserError(sentence) if result.mistake else VideoPastaError(f"{result.failed_step}: {sentence}")

        def materialize(asset: str, partition: str, tables: list[str]) -> None:
            partition = project.plain(partition)
            if asset == "preference_set":
                succeed(execution.execute_preference_set(project, instance))
            elif asset == "lora_checkpoint":
                succeed(execution.execute_training(project, instance, partition, progress=listener))
            elif asset == "benchmark_scores":
                experiment, benchmark = _scored(project, partition)
                succeed(
                    execution.execute_benchmark(
                        project, instance, experiment, benchmark, retry_failed=retry_failed, progress=listener
                    )
                )
            else:
                succeed(
                    execution.execute_shard(
                        project, instance, partition, tables, retry_failed=retry_failed, progress=listener
                    )
                )

        for partition, group in groupby(steps, key=lambda step: step.partition):
            tables = [step.asset for step in group]
            progress.begin(partition)
            materialize(tables[0], partition, tables)
            progress.advance(len(tables))
        if whole:
            succeed(execution.execute_sql_models(project, instance))


def quieten_libraries() -> None:
    """Deprecation warnings and bars of libraries would tear our own progress; whoever sets these variables wins."""
    os.environ.setdefault("TQDM_DISABLE", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    if not sys.warnoptions:
        warnings.simplefilter("ignore")


@contextmanager
def _dagster_instance(project: "Project") -> Iterator["DagsterInstance"]:
    """The project's Dagster instance.

    Raises:
        VideoPastaError: its records cannot be written.
    """
    from sqlalchemy.exc import SQLAlchemyError

    from videopasta_assets.assets.execution import open_instance

    home = dagster_home(project)
    try:
        with open_instance(home) as instance:
            yield instance
    except (SQLAlchemyError, OSError) as error:
        reason = " ".join(str(error).splitlines()[:1])
        raise VideoPastaError(f"{home}: Dagster cannot keep its records ({reason}). Is the disk full?") from error


def _scored(project: "Project", partition: str) -> tuple[str, str]:
    """Experiment and benchmark of a partition of `benchmark_scores`."""
    from videopasta_assets.stages.benchmark_answers import partition as score_partition

    return next(
        (experiment.name, benchmark.name)
        for experiment in project.settings.experiments
        for benchmark in project.settings.evaluation.benchmarks
        if score_partition(experiment.name, benchmark.name) == partition
    )


def _report(project: "Project", steps: list["PlanStep"], seconds: float, *, as_json: bool) -> None:
    from dbt_like_sql.views import connect
    from videopasta_assets.cli.summary import summarize, tables

    summary = summarize(connect(project.lake, recipe=project.settings.recipe), project)
    root, lake = project.settings.root, project.lake.root
    if as_json:
        print_json({"steps": len(steps), "seconds": round(seconds, 2), "lake": lake, **summary.to_json()})
        return
    for drawn in tables(summary):
        print_table(drawn)
    OUT.print(
        f"{'Nothing was stale' if not steps else f'{len(steps)} steps done'} in {seconds:.1f} s.", highlight=False
    )
    OUT.print(f"lake       {lake}", highlight=False)
    OUT.print(f"ask        videopasta sql --project {root} 'SELECT * FROM verified_pairs'", highlight=False)
    OUT.print(f"look       videopasta ui --project {root}", highlight=False)
