"""`run` does what `plan` says, and nothing the second time; `status` and `sql` show it."""

from pathlib import Path

import pytest

from tests.cli.conftest import Invoke
from tests.fakes.bench_project import BenchProject


@pytest.mark.slow
def test_run_does_the_plan_and_then_nothing(invoke: Invoke, bench: BenchProject) -> None:
    at = ("-p", bench.root)
    bench.edit("max_attempts: 2", "max_attempts: 1")
    planned = invoke("run", *at, "--dry-run", "--json")
    assert planned.json["new_videos"] == 3
    assert not bench.engine.requests

    first = invoke("run", *at, "--no-train", "--json")
    assert first.code == 0, first.err
    assert planned.json["cost"]["calls_expected"] == len(bench.engine.requests) == 3 * 3 * 8
    assert first.json["videos"] == 3
    assert first.json["queries"] == first.json["aligned_responses"] == 9
    assert first.json["pairs"] == sum(mode["pairs"] for mode in first.json["modes"]) > 0
    assert all(mode["slots"] == 9 for mode in first.json["modes"])
    assert "3 new videos sealed into 2 shards" in first.err

    bench.engine.forget()
    again = invoke("run", *at, "--no-train", "--json")
    assert again.json["steps"] == 0
    assert not bench.engine.requests
    assert {key: again.json[key] for key in ("videos", "queries", "pairs", "modes")} == {
        key: first.json[key] for key in ("videos", "queries", "pairs", "modes")
    }

    template = bench.root / "prompts" / "verify.j2"
    template.write_text(f"{template.read_text()} (edited)")
    edited = invoke("plan", *at, "--diff", "--json").json
    assert [(change["asset"], change["part"]) for change in edited["changes"]] == [("verdicts", "prompt verify")]
    assert edited["cost"]["calls"] == 3 * 3 * 3
    limited = invoke("run", *at, "--dry-run", "--limit", "1", "--json").json
    assert limited["left_out"] == 1
    assert {step["partition"] for step in limited["steps"] if step["cost"]["calls"]} == {"s000000"}
    template.write_text(template.read_text().removesuffix(" (edited)"))

    plan = invoke("plan", *at, "--json").json
    todo = {step["asset"] for step in plan["steps"] if step["to_do"]}
    assert todo == {"lora_checkpoint"}
    status = invoke("status", *at, "--json").json
    tables = {table["table"]: table for table in status["tables"]}
    assert tables["videos"]["shards"] == 2
    assert tables["verified_pairs"]["rows"] == status["pairs"] == first.json["pairs"]
    counted = invoke("sql", *at, "SELECT count(*) AS n FROM verified_pairs", "--json").json
    assert counted == [{"n": first.json["pairs"]}]


@pytest.mark.slow
def test_one_shard_and_some_assets(invoke: Invoke, bench: BenchProject) -> None:
    invoke("run", "-p", bench.root, "--select", "videos")
    done = invoke("run", "-p", bench.root, "--shards", "s000001", "--select", "sampled_videos,queries", "--json")
    assert done.code == 0, done.err
    assert done.json["queries"] == 3
    assert done.json["aligned_responses"] == 0


def test_unknown_shards_and_assets_are_named(invoke: Invoke, bench: BenchProject) -> None:
    shard = invoke("plan", "-p", bench.root, "--shards", "s9")
    asset = invoke("plan", "-p", bench.root, "--select", "querys")
    assert (shard.code, asset.code) == (2, 2)
    assert "there is no shard 's9'" in shard.err
    assert "there is no asset 'querys'" in asset.err


def test_a_plan_writes_no_shard(invoke: Invoke, bench: BenchProject) -> None:
    done = invoke("plan", "-p", bench.root)
    assert "3 new videos would be sealed" in done.err
    assert not list((bench.root / "lake").glob("shards/*"))


@pytest.mark.slow
def test_a_broken_video_is_a_row_and_the_run_goes_on(invoke: Invoke, bench: BenchProject) -> None:
    (bench.root / "videos" / "broken.mp4").write_bytes(b"no video at all")
    done = invoke("run", "-p", bench.root, "--no-train", "--json")
    assert done.code == 0, done.err
    assert (done.json["videos"], done.json["unreadable"]) == (4, 1)
    assert done.json["queries"] == 9


def test_no_videos_is_one_sentence(invoke: Invoke, tmp_path: Path) -> None:
    invoke("init", tmp_path)
    done = invoke("run", "-p", tmp_path)
    assert done.code == 2
    assert "no videos here" in done.err
    assert done.err.count("\n") == 1


def test_a_missing_video_folder_is_one_sentence(invoke: Invoke, bench: BenchProject) -> None:
    file = bench.root / "videopasta.yaml"
    file.write_text(file.read_text().replace("per_shard: 2", "per_shard: 2, folder: nowhere"))
    done = invoke("run", "-p", bench.root)
    assert done.code == 2
    assert "the video folder does not exist" in done.err


def test_a_model_that_does_not_exist_is_one_sentence(invoke: Invoke, bench: BenchProject) -> None:
    file = bench.root / "videopasta.yaml"
    file.write_text(file.read_text().replace("responder: {model: some-model", "responder: {model: ./no-model"))
    done = invoke("run", "-p", bench.root)
    assert done.code == 2
    assert "no such model folder" in done.err
    assert done.err.strip().splitlines()[-1].startswith("error:")


def test_a_missing_benchmark_is_told_before_anything_runs(invoke: Invoke, bench: BenchProject) -> None:
    with (bench.root / "videopasta.yaml").open("a") as file:
        file.write("evaluation: {benchmarks: [{name: held-out, items: benchmark/items.jsonl}]}\n")
    done = invoke("run", "-p", bench.root)
    assert done.code == 2
    assert "the file of benchmark 'held-out' is not there" in done.err
    assert not bench.engine.requests
