"""The page from a lake: arms that are scored, refusals apart, and a history of what was tried."""

from pathlib import Path

import pytest
import yaml

from videopasta_assets.config.loader import parse_project
from videopasta_assets.config.presets import preset_text
from videopasta_assets.experiments.page import experiment_page
from videopasta_assets.experiments.report import render, verdict
from videopasta_assets.experiments.training_runs import curves
from videopasta_assets.experiments.truth import Design, arm_named, experiment_name, project_settings
from videopasta_assets.lake import TABLES
from videopasta_assets.oracle.blind import BlindScore
from videopasta_assets.stages.project import Project
from videopasta_assets.taxonomy import MODES

BLIND = [BlindScore("all", 300, 90, 0.3)]
DESIGN = Design(("sft", "dpo_verified", "dpo_spatial"), seeds=2, pairs=4, split="validation")


def write(project: Project, table: str, shard: str, rows: list[dict[str, object]]) -> None:
    complete = [TABLES[table].versioned({"provenance": "p", "error": None, **row}) for row in rows]
    project.lake.write(project.address(table, shard), complete, {})


def write_answers(project: Project, model: str, benchmark: str, kinds: tuple[str, ...], share: float) -> None:
    rows: list[dict[str, object]] = []
    for number in range(40):
        row = {"row_key": f"i{number}", "item_id": f"i{number}", "experiment": model, "benchmark": benchmark}
        facts = {"mode": MODES[number % 3].value, "video_id": f"v{number // 4}", "kind": kinds[number % len(kinds)]}
        rows.append({**row, **facts, "correct": number % 10 < share * 10})
    write(project, "benchmark_answers", f"{model}__{benchmark}", rows)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    text = yaml.safe_dump(project_settings(yaml.safe_load(preset_text("embedded")), DESIGN))
    made = Project(parse_project(text, tmp_path / "videopasta.yaml"))
    for benchmark, kinds in ((DESIGN.split, ("question",)), (DESIGN.robustness, ("unanswerable", "none_of_the_above"))):
        write_answers(made, "base", benchmark, kinds, 0.5)
        for arm in DESIGN.arms:
            for seed in range(DESIGN.seeds):
                name = experiment_name(arm_named(arm), seed)
                write_answers(made, name, benchmark, kinds, 0.8 if arm == "dpo_verified" else 0.5)
                folder = f"checkpoints/{name}"
                (made.lake.root / folder).mkdir(parents=True, exist_ok=True)
                (made.lake.root / folder / "training_log.jsonl").write_text(
                    '{"step": 1, "rewards/accuracies": 0.5, "rewards/margins": 0.1}\n{"torn'
                )
                row = {"row_key": name, "experiment": name, "adapter": f"{folder}/adapter", "pairs": 4, "steps": 2}
                write(made, "lora_checkpoint", name, [{**row, "reward_accuracy": 0.5, "seconds": 3.0}])
    return made


def test_the_page_says_what_the_lake_holds(project: Project) -> None:
    page = experiment_page(project, DESIGN, command="c", machine="m", options={"beta": 0.1}, blind=BLIND, seconds=1.0)
    assert "+30.0 points" in verdict(page) and "Against sft: +30.0 points" in verdict(page)
    assert page.against.keys() == {"sft"}, "an arm of one mode is shown against the base only"
    assert {effect.scope for effect in page.refusals} == {"unanswerable", "none_of_the_above", "all"}
    assert [(budget.arm, budget.seeds, budget.pairs) for budget in page.budgets] == [(arm, 2, 4) for arm in DESIGN.arms]
    assert page.blind == [("all", 90, 0.3)]
    assert page.trials[0].differences["dpo_verified"][0] == pytest.approx(0.3)
    assert "<svg" in render(page)


def test_curves_are_means_over_seeds_and_a_torn_line_is_left_out(project: Project) -> None:
    assert curves(project, ["dpo_verified"], 2)["rewards/accuracies"] == {"dpo_verified": [(1, 0.5)]}
