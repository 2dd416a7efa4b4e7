"""Engines on a real Ray cluster of this machine: two nodes' worth of workers, one of which dies."""

import shutil
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from resources.launcher import launch, sampling
from resources.ray_engines import RayEngines
from tests.fakes.bench_project import BenchProject
from tests.fakes.counting_engine import CountingEngine, OneEngine
from tests.fakes.ray_nodes import two_nodes
from videopasta_assets.engines import Engine, EngineError, Reply, Request
from videopasta_assets.errors import UserError
from videopasta_assets.stages.landing import land
from videopasta_assets.stages.pipeline import run_shard
from videopasta_assets.stages.project import Project, RoleName
from videopasta_assets.video.clip import load_frames

ray = pytest.importorskip("ray", reason="ray is not installed: the extra ray")
ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

_TABLES = ("sampled_videos", "queries", "aligned_responses", "adversaries", "verdicts", "verified_pairs")


class LookingEngine(CountingEngine):
    """Looks at the frames before it answers, and takes its time."""

    def __init__(self, project: Project) -> None:
        super().__init__()
        self.project = project

    def generate(self, requests: Iterable[Request]) -> Iterator[Reply]:
        for request in requests:
            if request.clip is not None:
                frames = load_frames(request.clip, self.project.reader)
                assert frames.shape[0] == len(request.clip.plan.indices)
            time.sleep(0.02)
            yield from super().generate([request])


def build(project: Project, role: RoleName) -> Engine:
    return LookingEngine(project)


def broken(project: Project, role: RoleName) -> Engine:
    raise UserError("the model's weights are damaged", where="some-model", fix="Download it again.")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head that does no work, and two nodes."""
    with two_nodes(3) as made:
        yield made


def rows(project: Project) -> dict[tuple[str, str], dict[str, str]]:
    """Content of every row, without what it cost."""
    return {
        (table, shard): {
            row["row_key"]: row["data_version"] for row in project.lake.rows(project.address(table, shard))
        }
        for table in _TABLES
        for shard in project.lake.shards_of(table, project.recipe)
    }


def made(root: Path, videos: int) -> BenchProject:
    root.mkdir()
    bench = BenchProject.make(root, videos=videos)
    bench.edit("videos: {per_shard: 2}", "videos: {per_shard: 6}\nlauncher: {kind: ray, engines: 2}")
    bench.edit("responder: {model: some-model,", "responder: {batch_size: 4, model: some-model,")
    return bench


def test_a_node_that_dies_in_the_middle_costs_nothing(tmp_path: Path, cluster: Any) -> None:
    here, there = made(tmp_path / "here", 4), made(tmp_path / "there", 0)
    # An encoder may write other bytes the next time.
    shutil.copytree(here.root / "videos", there.root / "videos", dirs_exist_ok=True)
    for bench in (here, there):
        land(bench.project)
    run_shard(here.project, "s000000", OneEngine(LookingEngine(here.project)))

    victim = next(iter(cluster.worker_nodes))
    done: list[int] = []
    killed = threading.Event()

    def progress(table: str, count: int, total: int) -> None:
        done.append(count)
        if table == "adversaries" and count >= total // 3 and not killed.is_set():
            killed.set()
            threading.Thread(target=lambda: cluster.remove_node(victim, allow_graceful=False)).start()

    launcher = launch(there.project, RayEngines(there.project, build))
    outcomes = run_shard(there.project, "s000000", launcher, progress=progress, sample=sampling(there.project))

    assert killed.is_set()
    assert rows(there.project) == rows(here.project)
    assert not any(outcome.failed for outcome in outcomes.values())
    assert launcher.meter.usage("responder").answers == outcomes["aligned_responses"].computed + (
        outcomes["adversaries"].computed
    )
    cluster.add_node(num_cpus=3, object_store_memory=80 << 20)


def test_a_mistake_of_the_user_arrives_as_it_was_raised(tmp_path: Path, cluster: Any) -> None:
    bench = made(tmp_path / "bench", 1)
    land(bench.project)
    with pytest.raises(UserError, match=r"some-model: the model's weights are damaged\. Download it again\."):
        run_shard(bench.project, "s000000", launch(bench.project, RayEngines(bench.project, broken)))


def test_a_cluster_that_is_too_small_is_one_sentence(tmp_path: Path, cluster: Any) -> None:
    bench = made(tmp_path / "bench", 1)
    bench.edit("engines: 2}", "engines: 1, cpus_per_engine: 64, start_seconds: 2}")
    land(bench.project)
    engines = RayEngines(bench.project, build)
    engine = engines.engine("query_writer")  # the first that is asked
    engine._patience = 0  # type: ignore[attr-defined]
    with pytest.raises(EngineError, match=r"it did not come up in 2 s: the cluster lacks the CPUs or GPUs"):
        run_shard(bench.project, "s000000", engines)


def test_copies_that_leave_no_cpu_for_decoding_are_one_sentence(tmp_path: Path, cluster: Any) -> None:
    bench = made(tmp_path / "bench", 1)
    bench.edit("engines: 2}", "engines: 2, cpus_per_engine: 3, start_seconds: 15}")
    land(bench.project)
    with pytest.raises(UserError, match=r"launcher: no CPU of the cluster became free for decoding in 15 s\. .* lower"):
        run_shard(bench.project, "s000000", launch(bench.project, RayEngines(bench.project, build)))
