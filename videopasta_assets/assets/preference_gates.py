"""Blocking checks on `preference_set`: training starts only when all of them pass."""

from collections.abc import Callable
from dataclasses import replace

import dagster as dg

from resources.artifact import asset_key
from videopasta_assets.lake import Row
from videopasta_assets.stages import preference_set as stage
from videopasta_assets.stages import set_gates as gates
from videopasta_assets.stages.iteration import paired_rounds
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
        report, blocks = _of_rounds(project, gate)
        return dg.AssetCheckResult(
            passed=report.passed,
            severity=dg.AssetCheckSeverity.ERROR if blocks else dg.AssetCheckSeverity.WARN,
            description=report.sentence,
            metadata={key: report.figures[key] for key in report.figures},
        )

    return check


def _of_rounds(project: Project, gate: Gate) -> tuple[GateReport, bool]:
    """The gate on the sets of all iterations, and whether it blocks.

    A later iteration's closed gate is a warning here: its own training refuses to start, and the first must be able
    to be trained again, which is what mends the later ones.
    """
    first, *later = paired_rounds(project)
    report = gate(first, gates.members(first))
    for turn in later if report.passed else ():
        found = gate(turn, gates.members(turn))
        if not found.passed:
            return replace(found, sentence=f"iteration {turn.iteration}: {found.sentence}"), False
    return report, True


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
