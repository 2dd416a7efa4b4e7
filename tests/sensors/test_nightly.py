"""The schedule, called as the daemon calls it."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from sensors.nightly import nightly_schedule
from tests.fakes.bench_project import BenchProject
from videopasta_assets.assets.jobs import PAIRS
from videopasta_assets.definitions import build_definitions
from videopasta_assets.stages.landing import land
from videopasta_assets.stages.pipeline import run_shard


def asked(bench: BenchProject, instance: dg.DagsterInstance) -> list[str | None]:
    """Partitions that one evaluation requests; a skip gives its reason."""
    context = dg.build_schedule_context(
        instance=instance,
        resources={"project": bench.project},
        repository_def=build_definitions(bench.project).get_repository_def(),
        scheduled_execution_time=datetime(2026, 1, 1, 3, tzinfo=UTC),
    )
    data = nightly_schedule(PAIRS).evaluate_tick(context)
    return [request.partition_key for request in data.run_requests or []] or [data.skip_message]


@pytest.fixture
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """On disk: a schedule opens the instance by its address."""
    with dg.DagsterInstance.local_temp(str(tmp_path_factory.mktemp("dagster"))) as made:
        yield made


def test_stale_shards_are_requested_and_fresh_ones_left(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    bench = BenchProject.make(tmp_path, videos=3)
    land(bench.project)
    assert asked(bench, instance) == ["s000000", "s000001"]
    for shard in ("s000000", "s000001"):
        run_shard(bench.project, shard, bench.engines)
    assert asked(bench, instance) == ["every shard is fresh"]
    (bench.root / "videos" / "video 2.mp4").unlink()
    assert len(asked(bench, instance)) == 1
    (bench.root / "prompts" / "aligned" / "spatial.j2").write_text("another prompt: {{ query }}")
    assert asked(bench, instance) == ["s000000", "s000001"]
