"""A run whose process was killed neither goes on for ever nor keeps its pool slot."""

import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest

from resources.killed_runs import TAG, close_killed_runs, process_tags

PROGRAM = """
import os, signal, sys
import dagster as dg
from resources.killed_runs import process_tags

@dg.op(pool="gpu")
def killed():
    os.kill(os.getpid(), signal.SIGKILL)

@dg.job
def work():
    killed()

with dg.DagsterInstance.local_temp(sys.argv[1]) as instance:
    instance.event_log_storage.set_concurrency_slots("gpu", 1)
    work.execute_in_process(instance=instance, tags=process_tags(instance))
"""


def test_a_killed_run_is_closed_and_its_slot_is_free(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", PROGRAM, str(tmp_path)], check=False, capture_output=True)
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        (run,) = instance.get_runs()
        assert run.status is dg.DagsterRunStatus.STARTED
        assert instance.event_log_storage.get_concurrency_info("gpu").active_slot_count == 1
        assert close_killed_runs(instance) == [run.run_id]
        assert instance.get_runs()[0].status is dg.DagsterRunStatus.FAILURE
        assert instance.event_log_storage.get_concurrency_info("gpu").active_slot_count == 0
        assert close_killed_runs(instance) == []


@pytest.mark.parametrize("ours", [True, False])
def test_runs_that_go_on_and_runs_of_others_are_left_alone(ours: bool) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        tags = process_tags(instance) if ours else {}
        assert process_tags(instance) == process_tags(instance)
        run = instance.create_run_for_job(_nothing, tags=tags, status=dg.DagsterRunStatus.STARTED)
        assert (TAG in run.tags) is ours
        assert close_killed_runs(instance) == []


@dg.op
def _no_op() -> None:
    pass


@dg.job
def _nothing() -> None:
    _no_op()
