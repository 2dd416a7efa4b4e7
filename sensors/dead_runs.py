"""Runs whose process is gone, as after a power cut or kill -9: Dagster would show them as running for ever.

Its monitoring cannot look at processes of its default launcher. Such a run would hold the one slot of the queue, and
its partition would never be requested again.
"""

from typing import Final

import dagster as dg
import psutil
from dagster._core.launcher.default_run_launcher import DefaultRunLauncher

_SLACK_SECONDS: Final = 60.0
"""Clocks of the kernel and of Dagster's records differ a little."""


def end_dead_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark runs on this machine as failed whose process is gone; returns their ids.

    Runs that another launcher started, on other machines, are left to Dagster's own monitoring.
    """
    if not isinstance(instance.run_launcher, DefaultRunLauncher):
        return []
    ended = []
    for run in instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED])):
        if _is_dead(instance, run.run_id):
            instance.report_run_failed(run, "Its process is gone: the machine or the process was stopped.")
            ended.append(run.run_id)
    return ended


def _is_dead(instance: dg.DagsterInstance, run_id: str) -> bool:
    """The process that executes the run's steps has ended; False while it is not known which that is."""
    records = instance.get_records_for_run(run_id, of_type=dg.DagsterEventType.ENGINE_EVENT).records
    for record in reversed(records):
        event = record.event_log_entry.dagster_event
        pid = None if event is None else event.engine_event_data.metadata.get("pid")
        if pid is not None:
            return not _lives(int(str(pid.value)), record.event_log_entry.timestamp)
    return False


def _lives(pid: int, seen_at: float) -> bool:
    """Process `pid` is there, and is the one that was there at `seen_at` (Unix seconds): numbers are used again."""
    try:
        process = psutil.Process(pid)
        return bool(process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= seen_at + _SLACK_SECONDS)
    except psutil.NoSuchProcess:
        return False
