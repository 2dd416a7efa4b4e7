"""`run` on object storage, in parts, after a kill, and within a budget."""

import uuid
from collections.abc import Iterator

import pytest

from tests.cli.conftest import Invoke
from tests.fakes.bench_project import BenchProject
from tests.fakes.s3_server import BUCKET, s3_server
from videopasta_assets.cli.options import shards_of_part
from videopasta_assets.errors import UserError


@pytest.fixture
def stored(bench: BenchProject) -> Iterator[BenchProject]:
    """The project with its lake on a real S3 server."""
    with s3_server():
        bench.edit("videos:", f"lake: s3://{BUCKET}/{uuid.uuid4().hex}\nvideos:")
        yield bench


@pytest.mark.slow
def test_a_project_on_object_storage_is_run_and_asked_as_any(invoke: Invoke, stored: BenchProject) -> None:
    at = ("-p", stored.root)
    stored.edit("max_attempts: 2", "max_attempts: 1")
    done = invoke("run", *at, "--part", "0/1", "--json")
    assert " tokens/s, a pair costs " in done.err
    assert done.code == 0, done.err
    assert done.json["pairs"] > 0
    assert str(done.json["lake"]).startswith("s3://")
    assert not (stored.root / "lake").exists()
    assert invoke("sql", *at, "SELECT count(*) AS n FROM verified_pairs", "--json").json == [{"n": done.json["pairs"]}]
    assert invoke("run", *at, "--part", "0/1", "--json").json["steps"] == 0
    assert invoke("status", *at, "--json").json["pairs"] == done.json["pairs"]


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
