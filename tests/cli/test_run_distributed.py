"""`run` on object storage, in parts, after a kill, and within a budget."""

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke
from tests.fakes.bench_project import BenchProject
from tests.fakes.s3_server import BUCKET, s3_server
from videopasta_assets.cli.options import shards_of_part
from videopasta_assets.errors import UserError
from videopasta_assets.lake.objects import is_object, objects_under

_CHILD = """
import sys, time
from pathlib import Path
from resources.engines import WarmEngines
from tests.fakes.counting_engine import CountingEngine
from videopasta_assets.cli.main import command_line

class Slow(CountingEngine):
    def generate(self, requests):
        for reply in super().generate(requests):
            time.sleep(0.15)
            with open(sys.argv[2], "a") as asked:
                asked.write(reply.request_id + "\\n")
            yield reply

engine = Slow()
WarmEngines.engine = lambda self, role: engine
command_line(["run", "-p", sys.argv[1], "--no-train"])
"""


@pytest.fixture
def stored(bench: BenchProject) -> Iterator[BenchProject]:
    """The project with its lake on a real S3 server."""
    with s3_server():
        bench.edit("videos:", f"lake: s3://{BUCKET}/{uuid.uuid4().hex}\nvideos:")
        yield bench


@pytest.mark.slow
def test_a_run_on_object_storage_that_is_killed_goes_on_where_it_was(
    invoke: Invoke, stored: BenchProject, tmp_path: Path
) -> None:
    log = tmp_path / "asked"
    child = subprocess.Popen(
        [sys.executable, "-c", _CHILD, str(stored.root), str(log)],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 240
    while not (log.exists() and len(log.read_text().splitlines()) >= 30):
        assert child.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.1)
    child.send_signal(signal.SIGKILL)
    child.wait()
    asked = log.read_text().splitlines()

    done = invoke("run", "-p", stored.root, "--no-train", "--json")
    assert done.code == 0, done.err
    assert done.json["pairs"] > 0
    assert str(done.json["lake"]).startswith("s3://")
    again = {request.request_id for request in stored.engine.requests} & set(asked)
    # An attempt and its verdict share a key; so few were lost as come in a second.
    assert len(again) <= 1 + 15, sorted(again)
    root = stored.project.lake.root
    assert is_object(root)
    assert not [name for name in objects_under(root) if name.startswith("journal/")]
    assert not (stored.root / "lake").exists()

    counted = invoke("sql", "-p", stored.root, "SELECT count(*) AS n FROM verified_pairs", "--json")
    assert counted.json == [{"n": done.json["pairs"]}]
    assert invoke("run", "-p", stored.root, "--no-train", "--json").json["steps"] == 0
    assert invoke("status", "-p", stored.root, "--json").json["pairs"] == done.json["pairs"]


@pytest.mark.slow
def test_parts_together_are_the_whole(invoke: Invoke, bench: BenchProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VIDEOPASTA_RECORDS", str(bench.root / "records"))
    bench.edit("max_attempts: 2", "max_attempts: 1")
    first = invoke("run", "-p", bench.root, "--part", "0/2", "--json")
    assert first.code == 0, first.err
    assert bench.project.lake.shards_of("verified_pairs", "videopasta") == ["s000000"]
    assert (bench.root / "records" / "dagster.yaml").exists()
    asked = len(bench.engine.requests)
    invoke("run", "-p", bench.root, "--part", "1/2")
    assert bench.project.lake.shards_of("verified_pairs", "videopasta") == ["s000000", "s000001"]
    assert len(bench.engine.requests) > asked
    bench.engine.forget()
    whole = invoke("run", "-p", bench.root, "--no-train", "--json")  # what fans in
    assert whole.code == 0, whole.err
    assert not bench.engine.requests
    assert whole.json["steps"] == 1


def test_parts_divide_the_shards() -> None:
    shards = [f"s{number:06d}" for number in range(10)]
    parts = [shards_of_part(f"{index}/3", shards) for index in range(3)]
    assert sorted(shard for part in parts for shard in part) == shards
    assert {len(part) for part in parts} == {3, 4}
    assert shards_of_part("11/12", shards) == []
    for wrong in ("3/3", "1", "a/b", "-1/2", "1/0", ""):
        with pytest.raises(UserError, match="is no part"):
            shards_of_part(wrong, shards)


def test_a_part_that_is_none_is_one_sentence(invoke: Invoke, bench: BenchProject) -> None:
    assert "'4/4' is no part" in invoke("run", "-p", bench.root, "--part", "4/4", "--dry-run").err
    assert "--part names shards" in invoke("run", "-p", bench.root, "--part", "0/4", "--shards", "s000000").err
