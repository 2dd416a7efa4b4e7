"""Videos read on a real Ray cluster of this machine: the rows of a local run, whatever dies."""

import os
import shutil
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from resources.launcher import sampling
from resources.ray_sampling import RaySampling
from tests.fakes.bench_project import BenchProject
from tests.fakes.ray_nodes import two_nodes
from videopasta_assets.errors import UserError
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.stages import sampled_videos, videos
from videopasta_assets.stages.landing import land
from videopasta_assets.stages.project import Project
from videopasta_assets.stages.sampled_videos import sampled_row

ray = pytest.importorskip("ray", reason="ray is not installed: the extra ray")
ray.cloudpickle.register_pickle_by_value(sys.modules[__name__])
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

_SHARD = "s000000"
_VIDEOS = 6


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head that works, and one more node."""
    with two_nodes(2, head_cpus=2) as made:
        yield made


def slowly(project: Project, derivation: Derivation) -> Row:
    """Leaves a file that says on which node it began, then takes its time."""
    began = project.settings.root / "began"
    began.mkdir(exist_ok=True)
    node = ray.get_runtime_context().get_node_id()
    (began / f"{node} {os.getpid()} {time.monotonic_ns()}").touch()
    time.sleep(1)
    return sampled_row(project, derivation)


def killing(project: Project, derivation: Derivation) -> Row:
    """Takes its process along on one video."""
    if derivation.payload["path"] == "video 1.mp4":
        os._exit(1)
    return sampled_row(project, derivation)


def asleep() -> None:
    """Holds its CPUs."""
    time.sleep(60)


def made(root: Path, count: int, launcher: str = "{kind: ray}", *, like: BenchProject | None = None) -> BenchProject:
    """A project whose videos have landed; `like` another one, with the same files: an encoder may write others."""
    root.mkdir()
    bench = BenchProject.make(root, videos=0 if like else count)
    if like:
        shutil.copytree(like.root / "videos", root / "videos")
    bench.edit("videos: {per_shard: 2}", f"videos: {{per_shard: 20}}\nlauncher: {launcher}")
    (root / "videos" / "broken.mp4").write_bytes(b"no video")
    land(bench.project)
    videos.run(bench.project, _SHARD)
    return bench


def rows(project: Project) -> dict[str, Row]:
    """All rows by path, without when they were made."""
    held = project.lake.rows(project.address("sampled_videos", _SHARD))
    return {row["path"]: {name: row[name] for name in row if name != "created_at"} for row in held}


def test_a_node_that_dies_in_the_middle_leaves_the_rows_of_a_local_run(tmp_path: Path, cluster: Any) -> None:
    here = made(tmp_path / "here", _VIDEOS, "{kind: local}")
    there = made(tmp_path / "there", _VIDEOS, like=here)
    sampled_videos.run(here.project, _SHARD)
    killed = threading.Event()

    def progress(table: str, count: int, total: int) -> None:
        if not killed.is_set():
            killed.set()
            cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)

    outcome = sampled_videos.run(there.project, _SHARD, progress=progress, sample=RaySampling(slowly))

    assert (outcome.computed, outcome.failed) == (_VIDEOS + 1, 1)  # the broken one
    assert rows(there.project) == rows(here.project)
    began = [file.name.split() for file in (tmp_path / "there" / "began").iterdir()]
    assert len({node for node, _, _ in began}) == 2
    assert len(began) > _VIDEOS + 1  # what the node had begun was begun again
    assert str(os.getpid()) not in {process for _, process, _ in began}
    cluster.add_node(num_cpus=2, object_store_memory=80 << 20)


def test_the_settings_choose_it(tmp_path: Path, cluster: Any) -> None:
    here = made(tmp_path / "here", 1, "{kind: local}")
    there = made(tmp_path / "there", 1, like=here)
    assert sampling(here.project) is sampled_videos.compute
    assert sampling(there.project) == RaySampling()
    for project in (here.project, there.project):
        sampled_videos.run(project, _SHARD, sample=sampling(project))
    assert rows(there.project) == rows(here.project)


def test_a_video_that_takes_its_process_along_is_a_row(tmp_path: Path, cluster: Any) -> None:
    bench = made(tmp_path / "bench", 2)
    assert sampled_videos.run(bench.project, _SHARD, sample=RaySampling(killing)).failed == 2
    errors = {path: row["error"] for path, row in rows(bench.project).items()}
    assert errors["video 0.mp4"] is None
    assert errors["video 1.mp4"] == "the cluster lost the process that read it, 4 times"


def test_a_node_without_the_videos_stops_the_run_and_breaks_no_row(tmp_path: Path, cluster: Any) -> None:
    bench = made(tmp_path / "bench", 1)
    project = bench.project
    (tmp_path / "bench" / "videos").rename(tmp_path / "bench" / "elsewhere")
    with pytest.raises(UserError, match=r"videos\.folder: a node of the cluster does not see the folder .* Mount it"):
        sampled_videos.run(project, _SHARD, sample=RaySampling())
    assert rows(project) == {}


def test_a_cluster_without_a_free_cpu_is_one_sentence(tmp_path: Path, cluster: Any) -> None:
    bench = made(tmp_path / "bench", 1, "{kind: ray, start_seconds: 2}")
    hold = [ray.remote(asleep).options(num_cpus=2).remote() for _ in range(2)]
    try:
        with pytest.raises(UserError, match=r"launcher: no CPU of the cluster became free for decoding in 2 s\."):
            sampled_videos.run(bench.project, _SHARD, sample=RaySampling())
    finally:
        for task in hold:
            ray.cancel(task, force=True)
