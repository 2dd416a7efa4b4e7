"""Automation of a recipe that is repeated with its own tuned model: later iterations are requested like the first."""

from pathlib import Path

import dagster as dg
import pytest

from sensors.training import _gates
from tests.fakes.merging import merged
from tests.sensors.conftest import Ticker, make_bench
from videopasta_assets.assets.jobs import PREFERENCES
from videopasta_assets.lake import TABLES
from videopasta_assets.stages import iteration, preference_set
from videopasta_assets.stages.iteration import at_partition
from videopasta_assets.stages.pipeline import run_shard

NAME = "staleness"


def test_an_iteration_is_requested_once_it_can_start(
    tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(iteration, "_merged", merged)
    bench = make_bench(tmp_path, videos=1)
    bench.edit("recipe: {queries_per_video: 3", "recipe: {iterations: 2, queries_per_video: 3")
    bench.edit("automation: {", "automation: {min_new_pairs: 1, ")
    ticker = Ticker(bench, instance)
    ticker.run(ticker.tick("new_videos"))
    ticker.run(ticker.tick(NAME))
    assert ticker.requested(NAME) == [] and ticker.said == "everything is fresh"
    project = bench.project
    assert list(_gates(project)) == ["first", "second"], "there is nothing to train in the second iteration yet"

    pairs = len(project.lake.rows(project.address("preference_set", "all")))
    found = preference_set.current(project)
    for name in ("first", "second"):
        row = {"row_key": name, "provenance": "by hand", "experiment": name, "pairs": pairs, "steps": 1}
        row |= {"adapter": "a", "adapter_hash": "a", "preference_set": found.hash if found else ""}
        project.lake.write(project.address("lora_checkpoint", name), [TABLES["lora_checkpoint"].versioned(row)], {})
    requests = ticker.tick(NAME)
    assert [request.partition_key for request in requests] == ["s000000__i2"]
    assert "s000000__i2" in instance.get_dynamic_partitions("shards")

    run_shard(at_partition(bench.project, "s000000__i2"), "s000000__i2", bench.engines)
    assert ticker.requested(NAME) == [PREFERENCES], "its preference set"
    preference_set.run(at_partition(bench.project, "s000000__i2"))
    assert ticker.requested(NAME) == []
    gates = _gates(bench.project)
    assert list(gates) == ["first", "second", "first__i2", "second__i2"]
    assert not gates["first"].is_open and gates["first__i2"].is_open
