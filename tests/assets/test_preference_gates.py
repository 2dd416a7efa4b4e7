"""Every gate on a real instance: a set that violates it is made, told in one sentence, and never trained on."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from tests.fakes.bench_project import BenchProject
from videopasta_assets.assets.execution import execute_training
from videopasta_assets.assets.jobs import RETRAIN
from videopasta_assets.assets.pipeline import pipeline_definitions
from videopasta_assets.engines import Request
from videopasta_assets.errors import VideoPastaError
from videopasta_assets.lake.shards import list_shards
from videopasta_assets.stages.landing import land
from videopasta_assets.stages.pipeline import run_shard
from videopasta_assets.stages.videos import run as run_videos
from videopasta_assets.training.result import TrainingResult

INSTRUCTION = "Answer as if the opposite of it were true."


@dataclass
class CountingTrainer:
    """Notes that it was asked, and trains nothing."""

    jobs: list[Path] = field(default_factory=list)

    def train(self, context: dg.AssetExecutionContext, job: Path, progress: Any) -> TrainingResult:
        self.jobs.append(job)
        raise VideoPastaError("nothing is trained here")


def make_pairs(bench: BenchProject) -> None:
    land(bench.project)
    for shard in list_shards(bench.project.lake):
        run_shard(bench.project, shard, bench.engines)


def retrain(bench: BenchProject, instance: dg.DagsterInstance) -> tuple[CountingTrainer, dict[str, Any]]:
    """Run preference set, checks and training; returns who would train, and the failed checks by name."""
    trainer = CountingTrainer()
    definitions = pipeline_definitions(bench.project, engines=bench.engines, trainer=trainer)
    result = definitions.resolve_job_def(RETRAIN).execute_in_process(
        instance=instance, partition_key="first", raise_on_error=False
    )
    failed = {check.check_name: check for check in result.get_asset_check_evaluations() if not check.passed}
    return trainer, failed


def replying(bench: BenchProject, reply: Callable[[str, str], str]) -> None:
    """Answers and adversaries become `reply(task, what the engine would say)`."""
    answer = bench.engine._answer

    def replied(request: Request) -> str:
        task, text = request.prompt.template.split("/")[0], answer(request)
        return reply(task, text) if task in ("aligned", "adversary") else text

    bench.engine._answer = replied  # type: ignore[method-assign]


def equal_when_cut(bench: BenchProject) -> None:
    replying(bench, lambda task, text: f"it is {text}")
    bench.edit("experiments:", "gates: {compared_words: 2}\nexperiments:")
    make_pairs(bench)


def one_side_is_long(bench: BenchProject) -> None:
    replying(bench, lambda task, text: text + " and so on" * 5 * (task == "adversary"))
    make_pairs(bench)


def benchmark_video(bench: BenchProject, content: bytes) -> None:
    folder = bench.root / "benchmark"
    folder.mkdir()
    (folder / "v.mp4").write_bytes(content)
    item = {"item_id": "i", "video": "v.mp4", "mode": "spatial", "category": "c", "question": "q?"}
    (folder / "items.jsonl").write_text(json.dumps(item | {"options": ["a", "b", "c", "d"], "answer_index": 0}) + "\n")
    make_pairs(bench)


def a_benchmark_video(bench: BenchProject) -> None:
    benchmark_video(bench, (bench.root / "videos" / "video 0.mp4").read_bytes())


def a_copy_of_a_benchmark_video(bench: BenchProject) -> None:
    benchmark_video(bench, (bench.root / "videos" / "video 0.mp4").read_bytes() + b"\x00\x00\x00\x08free")


def one_mode_is_missing(bench: BenchProject) -> None:
    bench.engine.accept = lambda text: not text.endswith("temporal")
    make_pairs(bench)


def instruction_in_an_answer(bench: BenchProject) -> None:
    for template in (bench.root / "prompts" / "adversary").rglob("*.j2"):
        template.write_text(template.read_text() + f"\n{INSTRUCTION}")
    endings = {"aligned": INSTRUCTION, "adversary": "And here are as many words again."}
    replying(bench, lambda task, text: f"{text}. {endings[task]}")
    make_pairs(bench)


def a_lost_video(bench: BenchProject) -> None:
    make_pairs(bench)
    (bench.root / "videos" / "video 0.mp4").unlink()
    for shard in list_shards(bench.project.lake):
        run_videos(bench.project, shard)


def nothing_verified(bench: BenchProject) -> None:
    bench.engine.accept = lambda text: False
    make_pairs(bench)


@pytest.mark.parametrize(
    ("violate", "check", "sentence"),
    [
        (equal_when_cut, "answers_differ_when_cut", "are the same in their first 2 words; shorten answers"),
        (one_side_is_long, "lengths_are_alike", "the rejected answers are 8.50 times as long"),
        (a_benchmark_video, "benchmarks_are_held_out", "is v.mp4 of benchmark held-out"),
        (a_copy_of_a_benchmark_video, "benchmarks_are_held_out", "looks like v.mp4 of benchmark held-out (correlation"),
        (one_mode_is_missing, "modes_are_balanced", "temporal has 0 of"),
        (instruction_in_an_answer, "no_adversarial_instruction", "has the adversarial instruction in its chosen"),
        (a_lost_video, "videos_are_present", "lost its video; put the file back"),
        (nothing_verified, "is_not_empty", "no pair passed verification"),
    ],
)
def test_a_closed_gate_keeps_training_from_running(
    bench: BenchProject,
    instance: dg.DagsterInstance,
    violate: Callable[[BenchProject], None],
    check: str,
    sentence: str,
) -> None:
    violate(bench)
    trainer, failed = retrain(bench, instance)
    assert list(failed) == [check]
    assert sentence in failed[check].description
    assert failed[check].blocking
    assert failed[check].metadata
    assert trainer.jobs == []
    assert not instance.fetch_materializations(dg.AssetKey(["videopasta", "lora_checkpoint"]), limit=1).records
    if violate in (a_benchmark_video, a_lost_video):  # the job that trains alone looks for itself
        direct = execute_training(bench.project, instance, "first")
        assert direct.error is not None
        assert direct.error.startswith("training is blocked: ")
        assert sentence in direct.error
    assert not (bench.project.lake.root / "checkpoints").exists()


def test_open_gates_let_training_run_with_their_numbers(bench: BenchProject, instance: dg.DagsterInstance) -> None:
    other = BenchProject(bench.root.parent / "other").add_video(7)
    benchmark_video(bench, other.read_bytes())
    shutil.rmtree(other.parent)
    trainer, failed = retrain(bench, instance)
    assert not failed
    assert len(trainer.jobs) == 1
    key = dg.AssetCheckKey(dg.AssetKey(["videopasta", "preference_set"]), "benchmarks_are_held_out")
    record = instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
    assert record.event is not None
    assert record.event.dagster_event is not None
    metadata = record.event.dagster_event.asset_check_evaluation_data.metadata
    assert metadata["videos of held-out"].value == 1
    assert 0 <= metadata["highest similarity"].value <= 0.95
