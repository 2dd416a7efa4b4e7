"""Killed runs, full disks and two runs at once. Each is a program of its own, because it forks."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

pytestmark = pytest.mark.timeout(1800)


def outcome(module: str, *arguments: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", f"tests.faults.{module}", *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.stdout, done.stderr[-2000:]
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert figures["faults"] == []
    assert done.returncode == 0
    return figures


def test_a_dozen_kills_while_pairs_are_made() -> None:
    figures = outcome("kill", "--kills", "12", "--no-train")
    assert figures["kills"] == 12
    assert figures["most_calls_again_per_kill"] <= figures["batch"]


@pytest.mark.slow
def test_kills_while_a_model_is_trained_and_scored() -> None:
    figures = outcome("kill", "--kills", "6", "--phases", "lora_checkpoint", "benchmark_answers", "benchmark_scores")
    assert figures["by_phase"].keys() & {"lora_checkpoint", "benchmark_answers", "benchmark_scores"}


@pytest.mark.slow
def test_a_hundred_kills_everywhere() -> None:
    assert outcome("kill", "--kills", "100")["kills"] == 100


@pytest.mark.slow
def test_kills_of_the_command_with_dagster() -> None:
    assert outcome("kill", "--kills", "4", "--no-train", "--driver", "command")["kills"] == 4


def test_a_disk_that_fills_up_is_one_sentence_and_the_next_run_completes() -> None:
    assert outcome("disk_full", "--changes", "6")["filled_at_changes"] == 6


@pytest.mark.slow
def test_a_real_small_disk_with_training() -> None:
    figures = outcome("disk_full", "--changes", "0", "--disks", "0.2", "0.5", "0.8")
    if not figures["real_disks"]:
        pytest.skip("mounting is not permitted here")
    assert len(figures["real_disks"]) == 3


def test_two_runs_at_once_compute_nothing_twice() -> None:
    assert outcome("two_runs")["trials"] == 3
