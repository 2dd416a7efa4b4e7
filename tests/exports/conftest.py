"""A project with real pairs and a preference set: answers come from a counting engine."""

import pytest

from tests.fakes.bench_project import BenchProject
from videopasta_assets.lake.shards import list_shards
from videopasta_assets.stages import preference_set
from videopasta_assets.stages.landing import land
from videopasta_assets.stages.pipeline import run_shard


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> BenchProject:
    made = BenchProject.make(tmp_path_factory.mktemp("exports"), videos=2)
    land(made.project)
    for shard in list_shards(made.project.lake):
        run_shard(made.project, shard, made.engines)
    preference_set.run(made.project)
    return made
