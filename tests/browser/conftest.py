"""A project whose pairs were made by a counting engine, with texts that try to be HTML, SQL and JavaScript."""

import shutil
from pathlib import Path

import pytest

from tests.fakes.bench_project import BenchProject
from tests.fakes.counting_engine import CountingEngine
from videopasta_assets.engines import Request
from videopasta_assets.lake.shards import list_shards
from videopasta_assets.stages import preference_set
from videopasta_assets.stages.landing import land
from videopasta_assets.stages.pipeline import run_shard
from videopasta_assets.stages.project import Project

HOSTILE = (
    "</script><script>window.hacked=1</script><img src=x onerror=window.hacked=1> "
    "'; DROP TABLE pairs; -- {{ 7*7 }} ${1} \u2028 &lt;b&gt;"
)
HOSTILE_NAME = "<img src=x onerror=window.hacked=1>'; DROP VIEW videos; --.mp4"


class HostileEngine(CountingEngine):
    """Answers like a model that a stranger has talked into mischief."""

    def _answer(self, request: Request) -> str:
        text = super()._answer(request)
        return text if request.prompt.template.split("/")[0] == "verify" else f"{text} {HOSTILE}"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> BenchProject:
    """Pairs of two shards and their preference set; tests that write take `bench`."""
    root = tmp_path_factory.mktemp("browser") / "project <b>"
    root.mkdir()
    bench = BenchProject.make(root, videos=2)
    bench.engine = HostileEngine()
    (bench.root / "videos" / "video 0.mp4").rename(bench.root / "videos" / HOSTILE_NAME)
    bench.add_video(7)
    fill(bench)
    return bench


def fill(bench: BenchProject) -> None:
    """Run what makes pairs."""
    project = bench.project
    land(project)
    for shard in list_shards(project.lake):
        run_shard(project, shard, bench.engines)
    preference_set.run(project)


@pytest.fixture
def project(made: BenchProject) -> Project:
    return made.project


@pytest.fixture
def bench(made: BenchProject, tmp_path: Path) -> BenchProject:
    """A copy of the project that a test may change."""
    shutil.copytree(made.root, tmp_path / "copy")
    return BenchProject(tmp_path / "copy", made.engine)
