"""Training as processes of its own: killed and taken up, two that train as one, and one that follows its parent."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import torch
from safetensors.torch import load_file

from resources.trainer import command
from tests.training.tiny_model import make_pairs
from videopasta_assets.config.training import TrainerSettings
from videopasta_assets.training.job import TrainingJob, train_here
from videopasta_assets.training.pairs import write_pairs
from videopasta_assets.training.parent import PARENT_VARIABLE
from videopasta_assets.training.result import COMPLETE

TRAINING = {
    "epochs": 6,
    "batch_size": 4,
    "micro_batch_size": 2,
    "learning_rate": 3e-3,
    "save_steps": 4,
    "logging_steps": 3,
    "lora_dropout": 0.0,
    "device": "cpu",
}


@pytest.fixture(scope="module")
def job(tmp_path_factory: pytest.TempPathFactory, tiny_dir: Path) -> TrainingJob:
    """Eighteen steps of four pairs each, the last of them shorter."""
    root = tmp_path_factory.mktemp("jobs")
    write_pairs(make_pairs(root / "videos", videos=2, per_video=6), root / "pairs.jsonl")
    return TrainingJob(
        pairs=root / "pairs.jsonl", model=tiny_dir, output=root / "whole", videos=(root / "videos",), training=TRAINING
    )


@pytest.fixture(scope="module")
def whole(job: TrainingJob) -> Path:
    """The job done in one go, in this process."""
    return train_here(saved(job)).adapter


def saved(job: TrainingJob, name: str = "whole", **training: object) -> Path:
    """The job's file, for another output folder."""
    changed = job.training.model_copy(update=training)
    file = job.output.with_name(f"{name}.json")
    job.model_copy(update={"output": job.output.with_name(name), "training": changed}).save(file)
    return file


def start(file: Path, processes: int = 1) -> "subprocess.Popen[bytes]":
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command(TrainerSettings(processes=processes), file),
        env=environment,
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )


def furthest(one: Path, other: Path) -> float:
    weights = [load_file(adapter / "adapter_model.safetensors") for adapter in (one, other)]
    return max(float((weights[0][name] - weights[1][name]).abs().max()) for name in weights[0])


@pytest.mark.slow
def test_a_killed_process_ends_with_the_same_weights(job: TrainingJob, whole: Path) -> None:
    file = saved(job, "killed")
    output = job.output.with_name("killed")
    process = start(file)
    while not list(output.glob(f"checkpoints/*/{COMPLETE}")):
        assert process.poll() is None
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (output / "adapter").exists()
    assert start(file).wait() == 0
    record = json.loads((output / "result.json").read_text())
    assert record["resumed_from"] >= 4
    assert record["steps"] == 18
    assert furthest(output / "adapter", whole) == 0


@pytest.mark.slow
def test_two_processes_train_as_one(job: TrainingJob, whole: Path) -> None:
    assert start(saved(job, "two"), processes=2).wait() == 0
    output = job.output.with_name("two")
    base = {name: torch.zeros(()) for name in load_file(whole / "adapter_model.safetensors") if "lora_B" in name}
    moved = load_file(output / "adapter" / "adapter_model.safetensors")
    assert min(float(moved[name].abs().max()) for name in base) > 1e-3
    assert furthest(output / "adapter", whole) < 1e-4
    one, two = (json.loads((folder / "result.json").read_text()) for folder in (job.output, output))
    assert two["metrics"] == pytest.approx(one["metrics"], abs=1e-3)
    logs = [(folder / "training_log.jsonl").read_text().splitlines() for folder in (job.output, output)]
    for first, second in zip(*logs, strict=True):
        assert json.loads(second) == pytest.approx(json.loads(first), rel=1e-3, abs=1e-3)


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    child = "import time; from videopasta_assets.training.parent import follow_parent; follow_parent(); time.sleep(60)"
    parent = (
        "import os, subprocess, sys, time; from videopasta_assets.training.parent import parent_tag; "
        f"child = subprocess.Popen([sys.executable, '-c', {child!r}], env=os.environ | {{{PARENT_VARIABLE!r}: "
        "parent_tag()}); print(child.pid, flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    follower = psutil.Process(int(process.stdout.readline()))
    time.sleep(1)
    assert follower.is_running()
    process.kill()
    process.wait()
    follower.wait(timeout=30)
