"""The gate counts what an experiment's checkpoint was not trained from."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.fakes.bench_project import BenchProject
from videopasta_assets.errors import UserError
from videopasta_assets.lake.shards import list_shards
from videopasta_assets.stages import lora_checkpoint, preference_set
from videopasta_assets.stages.landing import land
from videopasta_assets.stages.lora_checkpoint import experiment_named
from videopasta_assets.stages.pipeline import run_shard
from videopasta_assets.stages.training_gate import training_gate
from videopasta_assets.stages.training_set import training_set

EXPERIMENTS = """experiments:
- {name: all}
- {name: spatial, modes: [spatial]}
- {name: raw, pairs: unfiltered}
"""


@pytest.fixture
def bench(tmp_path: Path) -> BenchProject:
    made = BenchProject.make(tmp_path, videos=2)
    made.edit("experiments: [{name: first}, {name: second, seed: 1}]\n", EXPERIMENTS)
    make_pairs(made)
    return made


def make_pairs(bench: BenchProject) -> None:
    land(bench.project)
    for shard in list_shards(bench.project.lake):
        run_shard(bench.project, shard, bench.engines)


def train(bench: BenchProject, name: str) -> None:
    """Leave the checkpoint's row as training would; the weights are not looked at."""
    preference_set.run(bench.project)
    chosen = training_set(bench.project, experiment_named(bench.project, name))
    assert chosen is not None
    row = {
        "row_key": name,
        "provenance": "p",
        "data_version": "d",
        "error": None,
        "experiment": name,
        "preference_set": chosen.source,
        "base_model": "m",
        "adapter": "a",
        "adapter_hash": "h",
        "pairs": len(chosen.members),
        "steps": 1,
        "settings": "{}",
        "reward_accuracy": None,
        "metrics": "{}",
        "seconds": 1.0,
        "created_at": datetime.now(UTC),
    }
    project = bench.project
    project.lake.write(project.address("lora_checkpoint", name), [row], lora_checkpoint.spec(project, name))


@pytest.mark.parametrize("name", ["all", "spatial", "raw"])
def test_everything_is_new_before_the_first_checkpoint_and_nothing_after_it(bench: BenchProject, name: str) -> None:
    before = training_gate(bench.project, name)
    assert before.new_pairs == before.pairs > 0
    train(bench, name)
    after = training_gate(bench.project, name)
    assert (after.pairs, after.new_pairs) == (before.pairs, 0)
    assert not after.is_open


@pytest.mark.parametrize("name", ["all", "spatial", "raw"])
def test_pairs_of_new_videos_are_new(bench: BenchProject, name: str) -> None:
    train(bench, name)
    before = training_gate(bench.project, name).pairs
    bench.add_video(5)
    bench.add_video(6)
    make_pairs(bench)
    gate = training_gate(bench.project, name)  # the preference set is not up to date yet
    assert gate.new_pairs == gate.pairs - before > 0


def test_a_changed_pair_counts_as_new(bench: BenchProject) -> None:
    train(bench, "all")
    (bench.root / "prompts" / "aligned" / "spatial.j2").write_text("aligned: in other words {{ query }}")
    make_pairs(bench)
    gate = training_gate(bench.project, "all")
    assert 0 < gate.new_pairs < gate.pairs


def test_it_opens_at_the_configured_number(bench: BenchProject) -> None:
    pairs = training_gate(bench.project, "all").pairs
    bench.edit("videos:", f"automation: {{min_new_pairs: {pairs}}}\nvideos:")
    assert training_gate(bench.project, "all").is_open
    assert str(training_gate(bench.project, "all")) == f"all: {pairs} new of {pairs} pairs, it takes {pairs}"
    bench.edit(f"min_new_pairs: {pairs}", f"min_new_pairs: {pairs + 1}")
    assert not training_gate(bench.project, "all").is_open


def test_an_unknown_experiment_is_a_mistake(bench: BenchProject) -> None:
    with pytest.raises(UserError, match="no experiment is named 'al'"):
        training_gate(bench.project, "al")
