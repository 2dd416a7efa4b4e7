"""What a materialization says of the models' work."""

import pytest

from resources import engines
from resources.engine_work import engine_work, work_figures
from videopasta_assets.engines.usage import EngineUsage


class Worked:
    """An engine of this process, as far as its usage goes."""

    def __init__(self, usage: EngineUsage) -> None:
        self.usage = usage


class Served:
    """An engine behind a server, which measures none."""


def test_figures_are_of_the_work_since(monkeypatch: pytest.MonkeyPatch) -> None:
    worked = Worked(EngineUsage(10, 1, 4, 4))
    monkeypatch.setattr(engines, "_warm", {("a",): worked, ("b",): Served()})
    before = engine_work()
    assert work_figures(before) == {}
    monkeypatch.setitem(engines._warm, ("c",), Worked(EngineUsage(2, 0, 1, 0)))
    worked.usage += EngineUsage(1, 1, 2, 3)
    assert work_figures(before) == {
        "model busy seconds": 3.0,
        "model idle share": 0.25,
        "clips encoded": 3,
        "clips reused": 3,
    }
