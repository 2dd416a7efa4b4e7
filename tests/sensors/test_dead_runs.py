"""A run whose process was killed is failed, and its slot and its partition become free; a living one is left."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from sensors.dead_runs import end_dead_runs
from sensors.runs_in_progress import partitions_in_progress

JOB = """
import os, signal, sys
import dagster as dg

@dg.op
def stop():
    os.kill(os.getpid(), signal.SIGKILL)

@dg.job(executor_def=dg.in_process_executor)
def work():
    stop()

with dg.DagsterInstance.from_config(sys.argv[1]) as instance:
    work.execute_in_process(instance=instance, tags={"dagster/partition": "s000000"})
"""


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    return tmp_path


@pytest.fixture
def instance(home: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_config(str(home)) as made:
        yield made


def test_a_killed_run_is_failed(home: Path, instance: dg.DagsterInstance) -> None:
    killed = subprocess.run([sys.executable, "-c", JOB, str(home)], check=False, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert partitions_in_progress(instance) == {"s000000"}
    ended = end_dead_runs(instance)
    assert [instance.get_run_by_id(run_id).status for run_id in ended] == [dg.DagsterRunStatus.FAILURE]
    assert partitions_in_progress(instance) == set()
    assert end_dead_runs(instance) == []


def test_a_living_run_is_left(instance: dg.DagsterInstance) -> None:
    seen = []

    @dg.op
    def look() -> None:
        seen.append(end_dead_runs(instance))

    @dg.job(executor_def=dg.in_process_executor)
    def work() -> None:
        look()

    assert work.execute_in_process(instance=instance).success
    assert seen == [[]]
