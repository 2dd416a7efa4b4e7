"""The whole graph as one reviewed file: a change to it shows in `definitions.json`.

After a wanted change: `python -m tests.assets.test_definitions` writes the file again.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from tests.fakes.bench_project import BenchProject
from videopasta_assets.definitions import build_definitions
from videopasta_assets.lake import TABLES, recipe_tables
from videopasta_assets.oracle.stages import ORACLE_TABLES

OF_OTHER_RECIPES = {name for name, schema in TABLES.items() if schema in vars(recipe_tables).values()}
SNAPSHOT = Path(__file__).with_name("definitions.json")


def described(definitions: dg.Definitions) -> dict[str, Any]:
    """What a person sees of the definitions. Versions of code are left out: they change with every prompt."""
    graph = definitions.resolve_asset_graph()
    assets = {}
    for node in sorted(graph.asset_nodes, key=lambda node: node.key):
        spec = node.to_asset_spec()
        columns = spec.metadata.get("dagster/column_schema")
        assets[node.key.to_user_string()] = {
            "deps": sorted(key.to_user_string() for key in node.parent_keys),
            "group": node.group_name,
            "partitions": None if node.partitions_def is None else repr(node.partitions_def)[:120],
            "kinds": sorted(node.kinds),
            "owners": sorted(node.owners),
            "pool": sorted(node.pools or ()),
            "backfill": None if node.backfill_policy is None else node.backfill_policy.max_partitions_per_run,
            "versioned": spec.code_version is not None,
            "described": bool(spec.description),
            "columns": 0 if columns is None else len(columns.columns),
            "checks": {
                check.key.name: "blocking" if check.blocking else "warning"
                for check in sorted(
                    (graph.get(key) for key in graph.get_check_keys_for_assets({node.key})), key=lambda c: c.key
                )
            },
        }
    repository = definitions.get_repository_def()
    return {
        "assets": assets,
        "jobs": sorted(job.name for job in repository.get_all_jobs() if not job.name.startswith("__")),
        "sensors": sorted(sensor.name for sensor in repository.sensor_defs),
        "schedules": sorted(schedule.name for schedule in repository.schedule_defs),
    }


def everything(root: Path) -> dg.Definitions:
    """Definitions of a project that has every optional part."""
    bench = BenchProject.make(root, videos=0)
    bench.edit("videos:", "oracle_truth: truth\nvideos:")
    bench.edit("recipe: {", "recipe: {aligned_check: {method: self_consistency}, ")
    return build_definitions(bench.project)


def test_the_graph_is_as_reviewed(tmp_path: Path) -> None:
    found = described(everything(tmp_path))
    assert found == json.loads(SNAPSHOT.read_text())


def test_definitions_load_as_dagster_loads_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from videopasta_assets.definitions import defs

    monkeypatch.setenv("VIDEOPASTA_PROJECT", str(BenchProject.make(tmp_path, videos=0).root))
    loaded = defs()
    dg.Definitions.validate_loadable(loaded)
    keys = {key.path[-1] for key in loaded.resolve_asset_graph().get_all_asset_keys()}
    # They need the truth, a check that can see, another recipe, or an analysis.
    optional = {*ORACLE_TABLES, "aligned_checks", *OF_OTHER_RECIPES, "analysis_results"}
    assert keys >= set(TABLES) - optional


def test_a_mistake_in_the_project_file_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from videopasta_assets.definitions import defs

    (tmp_path / "videopasta.yaml").write_text("recipee: {}")
    monkeypatch.setenv("VIDEOPASTA_PROJECT", str(tmp_path / "videopasta.yaml"))
    with pytest.raises(dg.DagsterInvalidDefinitionError, match=r"unknown key 'recipee'\. Did you mean 'recipe'"):
        defs()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        graph = described(everything(Path(folder)))
    SNAPSHOT.write_text(json.dumps(graph, indent=1, sort_keys=True) + "\n")
