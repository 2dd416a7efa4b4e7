"""The whole graph with the embedded model: real videos, real generation, real training, on a real instance."""

from pathlib import Path

import dagster as dg
import pytest

from resources.engines import close_engines
from resources.project import open_project
from tests.assets.test_execution import check_passed, materialization
from videopasta_assets.assets.execution import (
    execute_benchmark,
    execute_preference_set,
    execute_shard,
    execute_sql_models,
    execute_training,
)
from videopasta_assets.stages.landing import land
from videopasta_assets.toyworld.benchmark import write_benchmark
from videopasta_assets.toyworld.folder import write_folder

YAML = """
frames: {dense: {value: 16}, sparse: {value: 3}}
roles:
  query_writer: {decoding: {max_new_tokens: 48, temperature: 0.8}}
  responder: {decoding: {max_new_tokens: 64}}
  verifier: {decoding: {max_new_tokens: 96}}
recipe: {queries_per_video: 6, max_attempts: 1}
experiments: [{name: short, training: {batch_size: 16, micro_batch_size: 16}}]
evaluation: {benchmarks: [{name: toyworld, items: benchmark/benchmark.jsonl}]}
oracle_truth: truth
"""


@pytest.mark.slow
def test_from_videos_to_scores(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    (tmp_path / "videopasta.yaml").write_text(YAML)
    write_folder(tmp_path / "videos", tmp_path / "truth", 2, 5, "pairs")
    write_benchmark(tmp_path / "benchmark", tmp_path / "truth", 1, 3, 6, "benchmark")
    project = open_project(tmp_path)
    _, sealed = land(project)
    try:
        runs = [
            execute_shard(project, instance, sealed[0].key),
            execute_preference_set(project, instance),
            execute_training(project, instance, "short"),
            execute_benchmark(project, instance, "short", "toyworld"),
            execute_sql_models(project, instance),
        ]
    finally:
        close_engines()
    assert [run.error for run in runs] == [None] * 5
    trained = materialization(instance, "lora_checkpoint", "short").metadata
    assert trained["pairs"].value == materialization(instance, "preference_set").metadata["dagster/row_count"].value
    assert "data:image/png" in str(trained["curves"].value)
    assert "base_accuracy" in materialization(instance, "benchmark_scores").metadata
    assert "adversaries on target" in materialization(instance, "oracle_scores").metadata
    assert check_passed(instance, "verified_pairs", "no_adversarial_instruction")
