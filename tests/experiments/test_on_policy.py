"""On-policy pairs: what passed its check, against what the same model said otherwise."""

from pathlib import Path

import pytest

from tests.fakes.bench_project import BenchProject
from videopasta_assets.config.settings import ExperimentSettings
from videopasta_assets.lake import TABLES, Row
from videopasta_assets.stages.project import Project
from videopasta_assets.stages.training_set import on_policy_pairs, training_set


def write(project: Project, table: str, rows: list[Row]) -> None:
    complete = [TABLES[table].versioned({"provenance": "p", "error": None, **row}) for row in rows]
    project.lake.write(project.address(table, "s00000"), complete, {})


@pytest.fixture
def project(tmp_path: Path) -> Project:
    made = BenchProject.make(tmp_path, videos=0).project
    known = {"video_id": "v", "query_mode": "temporal", "query_category": "event_ordering", "query": "Which?"}
    checks = {
        "r1": {"passed": True, "method": "self_consistency", "replies": ["It is red.", "It is blue.", "it is red", ""]},
        "r2": {"passed": False, "method": "self_consistency", "replies": ["Other.", "Another."]},
        "r3": {"passed": True, "method": "video", "replies": ["true"]},
    }
    write(
        made,
        "aligned_responses",
        [{"row_key": key, "response_id": key, "query_id": key, "response": "It is red.", **known} for key in checks],
    )
    write(
        made,
        "aligned_checks",
        [{"row_key": key, "response_id": key, "query_id": key, "video_id": "v", **row} for key, row in checks.items()],
    )
    return made


def test_only_samples_that_disagree_with_a_passed_response_are_rejected_ones(project: Project) -> None:
    (pair,) = on_policy_pairs(project)
    assert (pair["chosen"], pair["rejected"], pair["adv_mode"]) == ("It is red.", "It is blue.", "temporal")


def test_an_experiment_trains_on_them(project: Project) -> None:
    chosen = training_set(project, ExperimentSettings(name="own", pairs="on_policy"))
    assert chosen is not None and len(chosen.members) == 1
    other_modes = ExperimentSettings(name="own", pairs="on_policy", modes=("spatial",))
    assert training_set(project, other_modes) is None
