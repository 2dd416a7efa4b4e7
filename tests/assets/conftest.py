"""A project with real videos and a counting engine, on a real Dagster instance in memory."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from tests.fakes.bench_project import BenchProject
from videopasta_assets.lake.shards import list_shards
from videopasta_assets.stages.landing import land


@pytest.fixture
def bench(tmp_path: Path) -> BenchProject:
    made = BenchProject.make(tmp_path)
    land(made.project)
    return made


@pytest.fixture
def shards(bench: BenchProject) -> list[str]:
    return list_shards(bench.project.lake)


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made
