"""Blocking checks on `preference_set`: training starts only when all of them pass."""

from collections.abc import Callable

import dagster as dg

from resources.artifact import asset_key
from videopasta_assets.lake import Row
from videopasta_assets.stages import preference_set as stage
from videopasta_assets.stages import set_gates as gates
from videopasta_assets.stages.project import Project
from videopasta_assets.stages.set_gates import GateReport

Gate = Callable[[Project, tuple[Row, ...]], GateReport]


def build_checks(declared: Project) -> list[dg.AssetChecksDefinition]:
    """One check a gate."""
    checks: list[tuple[str, str, Gate]] = [
        ("is_not_empty", "There is something to train on.", _not_empty),
        ("videos_are_present", "The video of every pair is still there.", gates.videos_present),
        ("members_are_sound", "Every member exists, is complete, and rejects something else.", _sound),
        ("no_adversarial_instruction", "No adversarial instruction is in a training row.", gates.instruction_free),
        ("answers_differ_when_cut", "Chosen and rejected differ within the words that a trainer keeps.", _differ),
        ("lengths_are_alike", "Length alone does not tell which answer is chosen.", _lengths),
        ("modes_are_balanced", "Each failure mode that is trained on has pairs.", _modes),
        ("benchmarks_are_held_out", "No video of a benchmark, or copy of one, is trained on.", gates.held_out),
    ]
    return [_check(declared, name, description, gate) for name, description, gate in checks]


def _check(declared: Project, name: str, description: str, gate: Gate) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset=asset_key(declared, "preference_set"), name=name, blocking=True, description=description)
    def check(project: dg.ResourceParam[Project]) -> dg.AssetCheckResult:
        report = gate(project, gates.members(project))
        return dg.AssetCheckResult(
            passed=report.passed,
            description=report.sentence,
            metadata={key: report.figures[key] for key in report.figures},
        )

    return check


def _not_empty(project: Project, pairs: tuple[Row, ...]) -> GateReport:  # noqa: ARG001 - a gate's signature
    count = len(project.lake.rows(project.address("preference_set", stage.ALL)))
    return GateReport(
        count > 0, f"{count} pairs" if count else "no pair passed verification; see the verdicts", {"pairs": count}
    )


def _sound(project: Project, pairs: tuple[Row, ...]) -> GateReport:
    return gates.sound(pairs, len(project.lake.rows(project.address("preference_set", stage.ALL))) - len(pairs))


def _differ(project: Project, pairs: tuple[Row, ...]) -> GateReport:
    return gates.answers_differ(pairs, project.settings.gates.compared_words)


def _lengths(project: Project, pairs: tuple[Row, ...]) -> GateReport:
    return gates.lengths_alike(pairs, project.settings.gates.max_length_ratio)


def _modes(project: Project, pairs: tuple[Row, ...]) -> GateReport:
    if not pairs:
        return GateReport(True, "no pairs", {"pairs": 0})
    return gates.modes_balanced(pairs, gates.wanted_modes(project), project.settings.gates.min_mode_share)
