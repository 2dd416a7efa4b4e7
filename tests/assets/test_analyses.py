"""Every analysis as its asset, on a real instance, over a small project with the embedded model: a plot each."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from resources.engines import WarmEngines, close_engines
from resources.project import open_project
from videopasta_assets.analyses.catalog import ANALYSES
from videopasta_assets.analyses.grid import Arm, Grid, Reference
from videopasta_assets.assets import analyses
from videopasta_assets.lake.shards import list_shards
from videopasta_assets.oracle import targeting
from videopasta_assets.stages import benchmark_scores, lora_checkpoint, preference_set
from videopasta_assets.stages.landing import land
from videopasta_assets.stages.pipeline import run_shard
from videopasta_assets.stages.project import Project
from videopasta_assets.toyworld.benchmark import write_benchmark
from videopasta_assets.toyworld.folder import write_folder

YAML = """
frames: {dense: {value: 16}, sparse: {value: 3}}
recipe: {queries_per_video: 3, max_attempts: 1}
experiments: [{name: short, max_pairs: 6, training: {batch_size: 6, micro_batch_size: 6}}]
evaluation: {benchmarks: [{name: toyworld, items: benchmark/benchmark.jsonl, scoring: likelihood}]}
oracle_truth: truth
"""
GRID = Grid(
    name="tiny",
    title="One mode at a time",
    question="Does it help?",
    reference=Reference(paper="VideoPASTA (arXiv 2504.14096)", table="T2"),
    over="arms",
    arms=(Arm(name="few", settings={"max_pairs": 2}), Arm(name="all")),
)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Trained and scored, with the benchmarks that the order of events needs."""
    root = tmp_path_factory.mktemp("analyses")
    (root / "videopasta.yaml").write_text(YAML)
    write_folder(root / "videos", root / "truth", 2, 5, "pairs")
    write_benchmark(root / "benchmark", root / "truth", 6, 6, 6, "benchmark")
    first = open_project(root)
    added = [entry.toyworld(first, 3) for entry in ANALYSES.values() if entry.toyworld is not None]
    evaluation = first.settings.evaluation
    evaluation = evaluation.model_copy(update={"benchmarks": (*evaluation.benchmarks, *added)})
    return Project(first.settings.model_copy(update={"evaluation": evaluation}))


@pytest.fixture(scope="module")
def engines(project: Project) -> Iterator[WarmEngines]:
    found = WarmEngines(project)
    land(project)
    for shard in list_shards(project.lake):
        run_shard(project, shard, found)
        targeting.run(project, shard, found)
    preference_set.run(project)
    lora_checkpoint.run(project, "short")
    for benchmark in project.settings.evaluation.benchmarks:
        benchmark_scores.run(project, "short", benchmark.name, found)
    yield found
    close_engines()


def materialized(
    project: Project, engines: WarmEngines, instance: dg.DagsterInstance, asset: dg.AssetsDefinition
) -> dict[str, dg.MetadataValue]:
    done = dg.materialize([asset], resources={"project": project, "engines": engines}, instance=instance)
    assert done.success
    [event] = done.asset_materializations_for_node(asset.op.name)
    return dict(event.metadata)


def assert_is_told_with_a_plot(metadata: dict[str, dg.MetadataValue]) -> None:
    rows = metadata["dagster/row_count"].value
    assert isinstance(rows, int)
    assert rows > 0
    assert "](data:image/png;base64," in str(metadata["report"].value)
    assert "<svg" in Path(str(metadata["report file"].value)).read_text(encoding="utf-8")


def test_every_analysis(project: Project, engines: WarmEngines, instance: dg.DagsterInstance) -> None:
    assets = {asset.key.path[-1]: asset for asset in analyses.build(project)}
    for name in ANALYSES:
        metadata = materialized(project, engines, instance, assets[f"analysis_{name.replace('-', '_')}"])
        assert_is_told_with_a_plot(metadata)


def test_an_ablation(project: Project, engines: WarmEngines, instance: dg.DagsterInstance) -> None:
    assert_is_told_with_a_plot(materialized(project, engines, instance, analyses._ablation(project, GRID)))
