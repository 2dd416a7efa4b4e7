"""Every recipe is a set of assets under its own prefix, planned and run by Dagster like VideoPASTA's."""

from pathlib import Path

import dagster as dg
import pytest

from tests.fakes.bench_project import BenchProject
from videopasta_assets.assets.execution import execute_preference_set, execute_shard
from videopasta_assets.definitions import build_definitions
from videopasta_assets.engines import Request
from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake.shards import list_shards
from videopasta_assets.planning.plan import make_plan
from videopasta_assets.stages.landing import land
from videopasta_assets.stages.project import Project
from videopasta_assets.stages.recipes import recipe_names, recipe_of

OWN = "recipe: {queries_per_video: 3, max_attempts: 2, prompts: prompts}"


def project_with(root: Path, recipe: str, videos: int = 0) -> BenchProject:
    bench = BenchProject.make(root, videos=videos)
    bench.edit(OWN, f"recipe: {{name: {recipe}, prompts: prompts}}")
    return bench


@pytest.mark.parametrize("name", recipe_names())
def test_a_recipe_is_assets_under_its_prefix(name: str, tmp_path: Path) -> None:
    project = project_with(tmp_path, name).project
    graph = build_definitions(project).resolve_asset_graph()
    keys = {key.to_user_string() for key in graph.get_all_asset_keys()}
    assert {f"{name}/{table}" for table in recipe_of(project).tables} < keys
    assert {"videos", f"{name}/verified_pairs", f"{name}/preference_set", f"{name}/lora_checkpoint"} < keys
    assert not {key for key in keys if key.startswith("videopasta/")} or name == "videopasta"


@pytest.mark.parametrize("name", [name for name in recipe_names() if name != "timewarp_explicit"])
def test_a_plan_is_done_by_dagster_and_then_nothing_is_left(name: str, tmp_path: Path) -> None:
    bench = project_with(tmp_path, name, videos=2)
    usual = bench.engine._answer

    said: dict[str, str] = {}

    def answer(request: Request) -> str:
        """A critic and a scorer of the compact style answer themselves: half of the time like the sample."""
        if request.prompt.template in ("videosavi/critique", "hound_dpo/score"):
            agrees = int(stable_hash(request.request_id), 16) % 2 == 0
            return said.get(request.request_id, "Yes.") if agrees else "No."
        return said.setdefault(request.request_id, usual(request))

    bench.engine._answer = answer  # type: ignore[method-assign]
    project = bench.project
    land(project)
    with dg.DagsterInstance.ephemeral() as instance:
        for shard in list_shards(project.lake):
            planned = [step.asset for step in make_plan(project, shards=[shard]).steps if step.to_do]
            assert planned[:2] == ["videos", "sampled_videos"] and "verified_pairs" in planned
            result = execute_shard(project, instance, shard, engines=bench.engines)
            assert result.success, result.error
        assert project.lake.rows(project.address("verdicts", list_shards(project.lake)[0]))
        left = [step for step in make_plan(project, select=recipe_of(project).tables).steps if step.to_do]
        assert not left, left
        execute_preference_set(project, instance)


def test_the_rounds_of_a_recipe_are_partitions(tmp_path: Path) -> None:
    project = project_with(tmp_path, "videosavi").project
    graph = build_definitions(project).resolve_asset_graph()
    partitions = graph.get(dg.AssetKey(["videosavi", "lora_checkpoint"])).partitions_def
    assert partitions is not None
    keys = list(partitions.get_partition_keys())
    assert keys == [f"{name}{turn}" for turn in ("", "__i2", "__i3", "__i4") for name in ("first", "second")]
    assert Project(project.settings, iteration=3).partition("first") in keys
