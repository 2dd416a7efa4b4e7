"""Runs whose process was killed: Dagster would believe for ever that they go on, and keep their pool slots from others.

Dagster's own monitoring watches the processes that its daemon launched. Runs in our own process carry the name of a
file that this process keeps locked; the kernel drops the lock when the process ends, however it ends.
"""

import fcntl
import os
import uuid
from pathlib import Path
from typing import Final

import dagster as dg

TAG: Final = "videopasta/process"
"""Run tag: name of the file that the run's process keeps locked."""

IN_PROGRESS: Final = (
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
)

_held: Final[dict[Path, tuple[int, str]]] = {}


def process_tags(instance: dg.DagsterInstance) -> dict[str, str]:
    """Tags for the runs that this process executes itself."""
    folder = _folder(instance)
    owner, name = _held.get(folder, (0, ""))
    if owner != os.getpid():
        folder.mkdir(parents=True, exist_ok=True)
        name = uuid.uuid4().hex
        descriptor = os.open(folder / name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)  # open until this process ends
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        _held[folder] = (os.getpid(), name)
    return {TAG: name}


def close_killed_runs(instance: dg.DagsterInstance) -> list[str]:
    """Mark runs as failed whose process is gone, and free their pool slots; returns their ids.

    What they had finished is in the lake: the next run goes on from there.
    """
    closed = []
    for run in instance.get_runs(dg.RunsFilter(statuses=list(IN_PROGRESS))):
        name = run.tags.get(TAG)
        if name is None or not _is_gone(_folder(instance) / Path(name).name):
            continue
        instance.report_run_failed(
            run, "The process of this run was killed. The next run goes on from what it finished."
        )
        if instance.event_log_storage.supports_global_concurrency_limits:
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)
        closed.append(run.run_id)
    return closed


def _folder(instance: dg.DagsterInstance) -> Path:
    return Path(instance.storage_directory()) / "videopasta-processes"


def _is_gone(path: Path) -> bool:
    """No process holds the file's lock."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    else:
        path.unlink(missing_ok=True)
        return True
    finally:
        os.close(descriptor)
