"""Sensors, ticked as the daemon ticks them, without a daemon."""

import uuid
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import pytest

from tests.assets.conftest import instance
from tests.fakes.bench_project import BenchProject
from videopasta_assets.assets.jobs import PREFERENCES
from videopasta_assets.definitions import build_definitions
from videopasta_assets.stages import preference_set
from videopasta_assets.stages.pipeline import run_shard

__all__ = ["BenchProject", "Ticker", "bench", "instance", "make_bench", "ticker"]


def make_bench(root: Path, *, videos: int) -> BenchProject:
    """A project whose new files land at the first look."""
    made = BenchProject.make(root, videos=videos)
    made.edit("videos:", "automation: {settle_seconds: 0, look_seconds: 1, staleness_seconds: 1}\nvideos:")
    return made


@pytest.fixture
def bench(tmp_path: Path) -> BenchProject:
    return make_bench(tmp_path, videos=3)


@dataclass
class Ticker:
    """Evaluates a sensor of the project's definitions, loaded once as a code location loads them."""

    bench: BenchProject
    instance: dg.DagsterInstance
    cursors: dict[str, str | None] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)
    said: str | None = None

    def __post_init__(self) -> None:
        self.definitions = build_definitions(self.bench.project)

    def evaluate(self, name: str) -> dg.SensorResult:
        """One evaluation; nothing of what it asks for is done."""
        sensor = self.definitions.resolve_sensor_def(name)
        context = dg.build_sensor_context(
            instance=self.instance,
            cursor=self.cursors.get(name),
            resources={"project": self.definitions.resources["project"]},
        )
        result = sensor(context)
        if isinstance(result, dg.SkipReason):
            return dg.SensorResult(skip_reason=result, cursor=self.cursors.get(name))
        assert isinstance(result, dg.SensorResult)
        return result

    def tick(self, name: str) -> list[dg.RunRequest]:
        """One evaluation, kept as the daemon keeps it: partitions, then requests and cursor. Returns what is to run.

        A request whose run key was seen before is left out, for ever.
        """
        result = self.evaluate(name)
        for request in result.dynamic_partitions_requests or []:
            self.instance.add_dynamic_partitions(request.partitions_def_name, list(request.partition_keys))
        self.cursors[name] = result.cursor
        self.said = result.skip_reason.skip_message if result.skip_reason else None
        new = [request for request in result.run_requests or [] if request.run_key not in self.keys]
        self.keys |= {str(request.run_key) for request in new}
        return new

    def requested(self, name: str) -> list[str]:
        """Partitions, or jobs without one, that a tick requests."""
        return [request.partition_key or str(request.job_name) for request in self.tick(name)]

    def run(self, requests: list[dg.RunRequest]) -> None:
        """Do what the runs do, with the counting engine."""
        for request in requests:
            if request.job_name == PREFERENCES:
                preference_set.run(self.bench.project)
            else:
                run_shard(self.bench.project, str(request.partition_key), self.bench.engines)

    def start(self, request: dg.RunRequest) -> str:
        """A run of the request that does not end."""
        tags = {"dagster/partition": request.partition_key} if request.partition_key else {}
        run = dg.DagsterRun(
            job_name=request.job_name or "pairs",
            run_id=str(uuid.uuid4()),
            status=dg.DagsterRunStatus.STARTED,
            tags=tags,
        )
        return self.instance.add_run(run).run_id


@pytest.fixture
def ticker(bench: BenchProject, instance: dg.DagsterInstance) -> Ticker:
    return Ticker(bench, instance)
