"""Warm engines: one a model, whatever role asks, however often."""

from pathlib import Path
from typing import Any

import pytest

from resources import engines as warm
from resources.engines import WarmEngines, close_engines
from tests.fakes.bench_project import BenchProject
from tests.fakes.counting_engine import CountingEngine
from videopasta_assets.engines import factory


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Records what would be loaded."""
    calls: list[dict[str, Any]] = []

    def build(kind: str, model: str, revision: str | None = None, **options: Any) -> CountingEngine:
        calls.append({"kind": kind, "model": model, "revision": revision, **options})
        return CountingEngine()

    monkeypatch.setattr(factory, "build_engine", build)
    monkeypatch.setattr(warm, "hold_gpu", lambda: None)
    return calls


def test_roles_with_one_model_share_its_engine(tmp_path: Path, built: list[dict[str, Any]]) -> None:
    bench = BenchProject.make(tmp_path, videos=0)
    try:
        engine = WarmEngines(bench.project).engine("query_writer")
        assert WarmEngines(bench.project).engine("verifier") is engine
        assert len(built) == 1
        assert built[0]["model"] == str(tmp_path / "some-model")
        bench.edit("verifier: {model: some-model,", "verifier: {model: some-model, batch_size: 2,")
        assert WarmEngines(bench.project).engine("verifier") is not engine
    finally:
        close_engines()
    WarmEngines(bench.project).engine("query_writer")
    assert len(built) == 3
    close_engines()


def test_a_served_model_takes_no_gpu_of_ours(
    tmp_path: Path, built: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[bool] = []
    monkeypatch.setattr(warm, "hold_gpu", lambda: held.append(True))
    bench = BenchProject.make(tmp_path, videos=0)
    bench.edit("verifier: {model: some-model,", "verifier: {engine: openai, server: {model: judge}, model: some-model,")
    try:
        WarmEngines(bench.project).engine("verifier")
        assert not held
        assert built[0]["kind"] == "openai"
        assert built[0]["server"].model == "judge"
        assert "device" not in built[0]
    finally:
        close_engines()
