"""The launcher: who answers is the settings' choice, and is counted."""

import re
from pathlib import Path

import pytest

from resources.engines import WarmEngines
from resources.launcher import launch
from resources.ray_cluster import connected
from resources.ray_engines import RayEngines
from tests.fakes.bench_project import BenchProject
from videopasta_assets.engines.meter import Meter
from videopasta_assets.errors import UserError
from videopasta_assets.stages.landing import land
from videopasta_assets.stages.pipeline import run_shard


def test_settings_choose_where_models_run(tmp_path: Path) -> None:
    bench = BenchProject.make(tmp_path, videos=0)
    assert isinstance(launch(bench.project).engines, WarmEngines)
    bench.edit("videos:", "launcher: {kind: ray}\nvideos:")
    assert isinstance(launch(bench.project).engines, RayEngines)
    bench.edit("kind: ray", "kind: slurm")
    with pytest.raises(UserError, match=r"launcher\.kind"):
        _ = bench.project


def test_a_run_that_spends_its_budget_stops_and_the_next_one_goes_on(tmp_path: Path) -> None:
    bench = BenchProject.make(tmp_path, videos=2)
    land(bench.project)
    bench.edit("responder: {", "responder: {token_budget: 300, ")
    said = r"roles\.responder\.token_budget: the token budget is spent: .* of 300 tokens"
    calls = []
    for _ in range(20):
        try:
            run_shard(bench.project, "s000000", launch(bench.project, bench.engines, Meter()))
        except UserError as error:
            assert re.match(said, str(error))
        else:
            break
        calls.append(bench.engine.calls["aligned"] + bench.engine.calls["adversary"])
    assert len(calls) > 1
    assert calls == sorted(set(calls))  # each run got further
    asked = [(request.prompt.template, request.request_id) for request in bench.engine.requests]
    assert len(asked) == len(set(asked))  # no answer was paid for twice


@pytest.mark.parametrize(
    ("address", "why"), [("127.0.0.1:1", "Connection refused"), ("ray://127.0.0.1:1", "refused"), ("here", "HOST:PORT")]
)
def test_a_cluster_that_is_not_there_is_one_sentence(address: str, why: str) -> None:
    pytest.importorskip("ray", reason="ray is not installed: the extra ray")
    with pytest.raises(UserError, match=rf"launcher\.address, {address}: no Ray cluster answers \(.*{why}"):
        connected(address)
