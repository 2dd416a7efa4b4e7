"""A shard on object storage: killed in the middle, gone on with elsewhere, equal to one in a folder."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.bench_project import BenchProject
from tests.fakes.s3_server import BUCKET, s3_server
from videopasta_assets.lake import connect
from videopasta_assets.lake.objects import is_object, objects_under
from videopasta_assets.planning import make_plan
from videopasta_assets.stages import preference_set
from videopasta_assets.stages.landing import land
from videopasta_assets.stages.pipeline import run_shard
from videopasta_assets.stages.project import Project

_CHILD = """
import sys, time
from pathlib import Path
from tests.fakes.bench_project import BenchProject
from tests.fakes.counting_engine import CountingEngine, OneEngine
from videopasta_assets.stages.pipeline import run_shard

class Slow(CountingEngine):
    def generate(self, requests):
        for reply in super().generate(requests):
            time.sleep(0.1)
            with open(sys.argv[2], "a") as asked:
                asked.write(f"{time.time()} {self.requests[-1].prompt.template} {reply.request_id}\\n")
            yield reply

run_shard(BenchProject(Path(sys.argv[1])).project, "s000000", OneEngine(Slow()))
"""


@pytest.fixture
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BenchProject]:
    """A project with its lake on a real S3 server."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with s3_server():
        made = BenchProject.make(tmp_path, videos=2)
        made.edit("videos:", f"lake: s3://{BUCKET}/{uuid.uuid4().hex}\nvideos:")
        yield made


def rows(project: Project) -> dict[str, list[tuple[str, str]]]:
    tables = ("videos", "queries", "aligned_responses", "adversaries", "verdicts", "verified_pairs")
    return {
        table: [(row["row_key"], row["data_version"]) for row in project.lake.rows(project.address(table, "s000000"))]
        for table in tables
    }


@pytest.mark.slow
def test_a_killed_shard_goes_on_where_it_was_and_equals_one_in_a_folder(stored: BenchProject, tmp_path: Path) -> None:
    project = stored.project
    land(project)
    log = tmp_path / "asked"
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(stored.root), str(log)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    try:
        deadline = time.monotonic() + 200
        while not (log.exists() and len(log.read_text().splitlines()) >= 22):
            assert child.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        killed = time.time()
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    # What came in the last second may have waited for its object to be put; what was on its way, for longer.
    kept = {tuple(line.split()[1:]) for line in log.read_text().splitlines() if killed - float(line.split()[0]) > 4.0}

    run_shard(project, "s000000", stored.engines)
    again = {(request.prompt.template, request.request_id) for request in stored.engine.requests}
    assert not kept & again  # no answer of before was paid for twice
    root = project.lake.root
    assert is_object(root)
    assert not [name for name in objects_under(root) if name.startswith("journal/")]

    preference_set.run(project)
    assert not [step for step in make_plan(project).steps if step.to_do and step.partition in ("s000000", "all")]
    members = project.lake.rows(project.address("preference_set", "all"))
    counted = connect(project.lake).execute("SELECT count(*) FROM verified_pairs").fetchall()
    assert counted == [(len(members),)]
    assert members

    found = rows(project)
    settings = project.settings.model_copy(update={"lake": "lake"})
    folder = Project(settings)
    land(folder)
    run_shard(folder, "s000000", stored.engines)
    assert rows(folder) == found
