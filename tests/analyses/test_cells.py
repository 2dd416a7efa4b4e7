"""A grid over a small real project: real videos, a model that trains in a second, an engine that answers by rule."""

from pathlib import Path

import pytest

from tests.fakes.counting_engine import CountingEngine, OneEngine
from tests.faults.kill_project import make_project
from videopasta_assets.analyses.ablation import ablation
from videopasta_assets.analyses.cells import likeness, prepare, results, run_cell, with_share
from videopasta_assets.analyses.grid import Arm, Cell, Grid, Reference
from videopasta_assets.analyses.result import keep
from videopasta_assets.errors import UserError
from videopasta_assets.reports.document import render

GRID = Grid(
    name="tries",
    title="Tries",
    question="Do more adversaries help?",
    reference=Reference(paper="VideoPASTA (arXiv 2504.14096)", table="T4"),
    cells=(
        Cell(name="k1", label="1", reference="1", settings={"recipe": {"adversaries_per_query": 1}}),
        Cell(name="k2", label="2", reference="2", settings={"recipe": {"adversaries_per_query": 2}}),
    ),
    arms=(Arm(name="few", settings={"max_pairs": 2}),),
)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("grid") / "project"
    make_project(root, videos=1)
    return root


def test_cells_share_what_their_settings_leave_alone_and_finished_ones_are_not_run_again(root: Path) -> None:
    engine, said = CountingEngine(accept=lambda text: True), list[str]()
    first, second = prepare(root, GRID, seeds=1)
    run_cell(first, OneEngine(engine), said.append)
    before = engine.calls
    assert before["query"] and before["aligned"] and before["adversary"]
    engine.forget()
    run_cell(second, OneEngine(engine), said.append)
    after = engine.calls
    assert not after["query"] and not after["aligned"], "they are the first cell's"
    assert 0 < after["adversary"] <= before["adversary"], "only the second slot's are new"
    assert after["multiple_choice"] == 6, "the base's answers are the first cell's"
    assert said == ["k1: trained few_seed0.", "k2: trained few_seed0."]

    engine.forget()
    said.clear()
    for prepared in prepare(root, GRID, seeds=1):
        run_cell(prepared, OneEngine(engine), said.append)
    assert (engine.requests, said) == ([], [])

    # Another grid with the same cell asks for nothing but its own model's answers.
    other = GRID.model_copy(update={"name": "others", "cells": GRID.cells[1:], "arms": (Arm(name="more"),)})
    (third,) = prepare(root, other, seeds=1)
    run_cell(third, OneEngine(engine), said.append)
    assert set(engine.calls) == {"multiple_choice"} and engine.calls["multiple_choice"] == 6
    assert likeness(third.project, second.project) > likeness(third.project, first.project)

    assert {(row["arm"], row["pairs"]) for row in results(second)} == {("few", 2)}
    for prepared, pairs in ((first, 3), (second, 6)):
        half = with_share(prepared.project, "few_seed0", Arm(name="half", share=0.5))
        assert half.settings.experiments[0].max_pairs == round(pairs / 2)

    analysis = ablation(GRID, [first, second])
    found = {(one.cell, one.scope, one.measure) for one in analysis.measured if one.benchmark == "held-out"}
    assert ("1", "all", "difference") in found
    page = render(analysis.report)
    assert "<svg" in page
    assert "VideoPASTA (arXiv 2504.14096), table 4" in page
    kept, version = keep(first.project, analysis)
    assert kept.path.exists()
    assert keep(first.project, analysis)[1] == version


def test_cells_can_be_chosen(root: Path) -> None:
    assert [prepared.cell.name for prepared in prepare(root, GRID, 2, ["k2"])] == ["k2"]
    assert [name for _, _, name in prepare(root, GRID, 2, ["k2"])[0].arms] == ["few_seed0", "few_seed1"]
    with pytest.raises(UserError, match=r"no cell is named 'k9'.*k1, k2"):
        prepare(root, GRID, 1, ["k9"])
    wrong = GRID.model_copy(update={"settings": {"recipes": {}}})
    with pytest.raises(UserError, match=r"grid tries, cell k1.*unknown key 'recipes'.*recipe"):
        prepare(root, wrong, 1)
