"""Training in a process of its own, on a real instance: what comes back while it runs, and when it fails."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from resources.progress import ProgressListener
from resources.trainer import ProcessTrainer, accelerate_configuration, command
from tests.fakes.bench_project import BenchProject
from tests.training.tiny_model import save_tiny_model
from videopasta_assets.assets.execution import ExecutionResult, execute_training
from videopasta_assets.config.training import TrainerSettings
from videopasta_assets.errors import UserError
from videopasta_assets.lake.shards import list_shards
from videopasta_assets.stages import preference_set
from videopasta_assets.stages.pipeline import run_shard

TRAINING = "{batch_size: 4, micro_batch_size: 2, logging_steps: 1, save_steps: 2, learning_rate: 0.003}"
KEY = dg.AssetKey(["videopasta", "lora_checkpoint"])


@pytest.fixture
def trainable(bench: BenchProject, shards: list[str]) -> BenchProject:
    """Pairs, a preference set, and a base model that can be trained."""
    save_tiny_model(bench.root / "some-model")
    bench.edit("responder: {model: some-model,", "responder: {model: some-model, device: cpu,")
    bench.edit("{name: first}", f"{{name: first, training: {TRAINING}}}")
    for shard in list_shards(bench.project.lake):
        run_shard(bench.project, shard, bench.engines)
    preference_set.run(bench.project)
    return bench


def train(bench: BenchProject, instance: dg.DagsterInstance, listen: Any = None) -> ExecutionResult:
    progress = ProgressListener(training=listen) if listen else None
    return execute_training(bench.project, instance, "first", progress=progress)


def files(root: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(root.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(root)), hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.slow
def test_it_reports_while_it_trains_and_a_failure_overwrites_nothing(
    trainable: BenchProject, instance: dg.DagsterInstance
) -> None:
    events: list[dict[str, Any]] = []
    result = train(trainable, instance, events.append)
    assert result.success, result.error
    steps = [event for event in events if event["phase"] == "train"]
    assert [event["phase"] for event in events if event["done"] == event["total"]] == [
        "encode",
        "reference",
        "train",
        "score",
    ]
    assert [event["done"] for event in steps] == list(range(1, steps[-1]["total"] + 1))
    assert all(event["eta"] >= 0 for event in steps)
    seen = instance.fetch_observations(dg.AssetRecordsFilter(KEY, asset_partitions=["first"]), limit=100).records
    assert seen
    observation = seen[0].asset_observation
    assert observation is not None
    assert {"loss", "reward margin", "reward accuracy", "minutes left"} <= observation.metadata.keys()
    assert observation.metadata["step"].value == steps[-1]["total"]
    assert any("minutes left" in entry.user_message for entry in instance.all_logs(result.run_id))

    lake = trainable.project.lake
    checkpoints = dict(files(Path(str(lake.root)) / "checkpoints"))
    rows = lake.rows(trainable.project.address("lora_checkpoint", "first"))
    trainable.edit("learning_rate: 0.003", "learning_rate: 1.0e+30, max_grad_norm: 1.0e+30")
    diverged = train(trainable, instance)
    assert not diverged.success
    assert not diverged.mistake
    assert diverged.error is not None
    assert diverged.error.startswith("training diverged: ")
    assert "Lower training.learning_rate (now 1e+30)" in diverged.error

    trainable.edit("learning_rate: 1.0e+30, max_grad_norm: 1.0e+30", "max_tokens: 20")
    too_long = train(trainable, instance)
    assert too_long.mistake
    assert too_long.error is not None
    assert "the limit is 20" in too_long.error
    assert "raise training.max_tokens" in too_long.error
    assert lake.rows(trainable.project.address("lora_checkpoint", "first")) == rows
    assert checkpoints.items() <= dict(files(Path(str(lake.root)) / "checkpoints")).items()


def test_a_job_is_started_as_the_settings_say(tmp_path: Path) -> None:
    job = tmp_path / "job.json"
    assert command(TrainerSettings(), job)[1:] == ["-m", "videopasta_assets.training.run", str(job)]
    assert "--nproc-per-node" in command(TrainerSettings(processes=4), job)
    for name in ("ddp", "fsdp2", "deepspeed_zero2", "deepspeed_zero3"):
        line = command(TrainerSettings(processes=4, accelerate=name), job)
        assert line[line.index("--config_file") + 1].endswith(f"{name}.yaml")
        assert line[line.index("--num_processes") + 1] == "4"
    with pytest.raises(UserError, match=r"no accelerate configuration 'zero9'\. Name one of"):
        command(TrainerSettings(accelerate="zero9"), job)


@pytest.mark.parametrize("name", ["ddp", "fsdp2", "deepspeed_zero2", "deepspeed_zero3"])
def test_accelerate_understands_our_configurations(name: str) -> None:
    from accelerate.commands.config.config_args import load_config_from_file

    loaded = load_config_from_file(str(accelerate_configuration(name)))
    kinds = {"ddp": "MULTI_GPU", "fsdp2": "FSDP"}
    assert loaded.distributed_type == kinds.get(name, "DEEPSPEED")
    assert ProcessTrainer().settings.processes == 1
