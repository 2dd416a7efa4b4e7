"""Runs that are queued or running: what they work on is not requested again."""

from typing import Final

import dagster as dg

from resources.killed_runs import IN_PROGRESS, close_killed_runs

_PARTITION: Final = "dagster/partition"


def partitions_in_progress(instance: dg.DagsterInstance) -> set[str]:
    """Partition keys that runs of any job are working on or waiting to."""
    return {run.tags[_PARTITION] for run in _runs(instance) if _PARTITION in run.tags}


def jobs_in_progress(instance: dg.DagsterInstance) -> set[str]:
    """Names of the jobs that are queued or running."""
    return {run.job_name for run in _runs(instance)}


def _runs(instance: dg.DagsterInstance) -> list[dg.DagsterRun]:
    close_killed_runs(instance)
    return list(instance.get_runs(dg.RunsFilter(statuses=list(IN_PROGRESS))))
