"""Curves of a log as training writes it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.analyses.test_analyses import make, put
from videopasta_assets.analyses import training_dynamics
from videopasta_assets.errors import UserError
from videopasta_assets.reports.document import render
from videopasta_assets.stages.project import Project
from videopasta_assets.training.result import Workspace


def logged(step: int, chosen: float, rejected: float, accuracy: float) -> str:
    return json.dumps(
        {
            "step": step,
            "loss": 0.6,
            "rewards/chosen": chosen,
            "rewards/chosen/temporal": 9.0,
            "rewards/rejected": rejected,
            "rewards/accuracies": accuracy,
            "rewards/margins": chosen - rejected,
        }
    )


def trained(project: Project, experiment: str, lines: list[str]) -> None:
    adapter = f"checkpoints/videopasta/{experiment}/run/adapter"
    row: dict[str, Any] = {"row_key": experiment, "experiment": experiment, "pairs": 8, "adapter": adapter}
    put(project, "lora_checkpoint", experiment, [{**row, "adapter_hash": "x"}])
    folder = project.lake.local_folder(adapter).parent
    folder.mkdir(parents=True)
    Workspace(folder).log.write_text("\n".join(lines))


def test_rewards_and_their_accuracy_by_step(tmp_path: Path) -> None:
    project = make(tmp_path, "items")
    trained(
        project, "ours", [logged(1, 0.0, 0.0, 0.0), logged(5, 0.2, 0.4, 0.75), logged(10, 0.8, -0.1, 0.8), '{"step']
    )
    trained(project, "theirs", [logged(1, 0.0, 0.0, 0.1)])
    analysis = training_dynamics.analyse(project)
    curve = [
        (one.scope, one.value) for one in analysis.measured if (one.cell, one.measure) == ("ours", "chosen reward")
    ]
    assert curve == [("step 1", 0.0), ("step 5", 0.2), ("step 10", 0.8)], "overall, not of one mode; no line cut short"
    margins = {
        one.scope: one.value for one in analysis.measured if (one.cell, one.measure) == ("ours", "reward margin")
    }
    assert margins["step 10"] == pytest.approx(0.9)
    assert [section.title for section in analysis.report.sections[:4]] == [
        "Chosen reward",
        "Rejected reward",
        "Reward accuracy",
        "Reward margin",
    ]
    first = analysis.report.sections[0].tables[0]
    assert [tuple(row) for row in first.rows] == [("ours", "0.000", "0.800", 10), ("theirs", "0.000", "0.000", 1)]
    page = render(analysis.report)
    assert page.count("<svg") == 4
    assert "VideoPASTA (paper)" in page


def test_supervised_training_has_no_rewards(tmp_path: Path) -> None:
    project = make(tmp_path, "items")
    trained(project, "ours", [json.dumps({"step": 1, "loss": 0.7})])
    with pytest.raises(UserError, match="no experiment was trained on preferences yet"):
        training_dynamics.analyse(project)
