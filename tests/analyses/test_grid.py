from pathlib import Path

import pytest

from videopasta_assets.analyses.grid import grids, merged, read_grid
from videopasta_assets.config.loader import parse_project
from videopasta_assets.config.presets import preset_text
from videopasta_assets.errors import UserError
from videopasta_assets.evaluation.references import reference_scores


def test_every_grid_names_rows_of_the_papers_table_that_it_follows() -> None:
    assert {"single-mode", "adversaries", "sampling", "data-scaling", "objectives", "robustness"} <= grids().keys()
    for grid in grids().values():
        named = {setting.reference for setting in (*grid.cells, *grid.arms)} - {""}
        assert bool(named) == (grid.reference is not None), grid.name
        if grid.reference is not None:
            table = (grid.reference.paper, grid.reference.table)
            assert named <= {row.model for row in reference_scores() if (row.paper, row.table) == table}, grid.name


def test_every_cell_is_a_valid_project(tmp_path: Path) -> None:
    import yaml

    base = yaml.safe_load(preset_text("embedded"))
    for grid in grids().values():
        for cell in grid.cells:
            data = merged(merged(base, grid.settings), cell.settings)
            data["experiments"] = [merged(arm.settings, {"name": arm.name}) for arm in grid.arms]
            parse_project(yaml.safe_dump(data), tmp_path / "videopasta.yaml")


def test_sections_are_merged_and_lists_replaced() -> None:
    base = {"frames": {"dense": {"value": 16}, "max_side": 10}, "experiments": [1, 2]}
    change = {"frames": {"dense": {"value": 8}}, "experiments": [3]}
    assert merged(base, change) == {"frames": {"dense": {"value": 8}, "max_side": 10}, "experiments": [3]}
    assert base["frames"]["dense"]["value"] == 16  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("name: [", "no valid YAML"),
        ("name: x\ntitle: y", "question"),
        ("name: x\ntitle: y\nquestion: z\nsteps: 3", "steps"),
        ("name: x\ntitle: y\nquestion: z\ncells: [{name: a}, {name: a}]", "two cells have one name"),
        ("name: x\ntitle: y\nquestion: z\narms: [{name: a, share: 2}]", "arms.0.share"),
    ],
)
def test_a_mistake_in_a_grid_is_one_sentence(text: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "grid.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=sentence):
        read_grid(path)
    with pytest.raises(UserError, match="no such grid"):
        read_grid(tmp_path / "nowhere.yaml")
