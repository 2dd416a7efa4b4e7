"""Asset `oracle_scores`: what the oracle knows of generated texts on toyworld. Nothing reads it but people."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import dagster as dg

from resources.artifact import EVALUATION
from videopasta_assets.assets.oracle_check import goal_check
from videopasta_assets.assets.preview import markdown_table
from videopasta_assets.assets.shard_asset import shard_asset
from videopasta_assets.lake import Row
from videopasta_assets.oracle import scores as stage
from videopasta_assets.stages.project import Project, good_rows
from videopasta_assets.taxonomy import STRATEGIES, VerdictStatus

_ON_TARGET = 0.8
_PRECISION = 0.9
_RECALL = 0.7


def build(declared: Project) -> dg.AssetsDefinition:
    """The asset for the project that the definitions were loaded with."""

    return shard_asset(
        declared,
        "oracle_scores",
        stage.run,
        group=EVALUATION,
        spec=stage.spec(declared),
        deps=["queries", "aligned_responses", "adversaries", "verdicts"],
        figures=shares,
    )


def _judged(project: Project, shard: str) -> list[Row]:
    return list(good_rows(project, "oracle_scores", shard))


def shares(project: Project, shard: str) -> dict[str, float]:
    """What share of the attempts is how good, as numbers that Dagster plots."""
    rows = _judged(project, shard)
    accepted = [row for row in rows if row["verdict"] == VerdictStatus.ACCEPTED]
    parts = (
        ("aligned answers that are right", rows, "aligned_right"),
        ("adversaries on target", rows, "on_target"),
        ("accepted pairs that are good", accepted, "good_pair"),
    )
    return {name: sum(bool(row[column]) for row in of) / len(of) for name, of, column in parts if of}


def by_strategy(rows: list[Row]) -> list[dict[str, Any]]:
    """A row a strategy: attempts, false ones, on target, on target and nowhere else."""
    table = []
    for mode, strategies in STRATEGIES.items():
        for strategy in strategies:
            own = [row for row in rows if (row["adv_mode"], row["adv_strategy"]) == (mode, strategy)]
            if own:
                table.append(
                    {
                        "mode": mode.value,
                        "strategy": strategy,
                        "attempts": len(own),
                        "false": sum(row["adversary_truth"] == "false" for row in own) / len(own),
                        "on target": sum(bool(row["on_target"]) for row in own) / len(own),
                        "only on target": sum(bool(row["only_target"]) for row in own) / len(own),
                    }
                )
    return table


def confusion(rows: list[Row]) -> list[dict[str, Any]]:
    """A row a verdict deserved, a column a verdict given: numbers of attempts."""
    counts = Counter((row["expected_verdict"], row["verdict"]) for row in rows)
    given = [status.value for status in VerdictStatus if any(key[1] == status for key in counts)]
    return [
        {"deserved": status.value, **{name: counts[status.value, name] for name in given}}
        for status in VerdictStatus
        if any(key[0] == status for key in counts)
    ]


def build_checks(declared: Project) -> list[dg.AssetChecksDefinition]:
    """Whether adversaries are what they say, and whether the verifier can be trusted."""

    def on_target(project: Project, shard: str) -> tuple[float | None, dict[str, Any]]:
        rows = _judged(project, shard)
        share = sum(bool(row["on_target"]) for row in rows) / len(rows) if rows else None
        return share, {"by strategy": dg.MetadataValue.md(markdown_table(by_strategy(rows)))}

    def among(condition: str) -> Callable[[Project, str], tuple[float | None, dict[str, Any]]]:
        other = {"verdict": "expected_verdict", "expected_verdict": "verdict"}[condition]

        def measured(project: Project, shard: str) -> tuple[float | None, dict[str, Any]]:
            rows = _judged(project, shard)
            of = [row for row in rows if row[condition] == VerdictStatus.ACCEPTED]
            share = sum(row[other] == VerdictStatus.ACCEPTED for row in of) / len(of) if of else None
            return share, {"verdicts": dg.MetadataValue.md(markdown_table(confusion(rows)))}

        return measured

    return [
        goal_check(
            declared,
            "oracle_scores",
            "adversaries_are_on_target",
            "Adversaries are false in the mode that they target.",
            _ON_TARGET,
            on_target,
        ),
        goal_check(
            declared,
            "oracle_scores",
            "verifier_precision",
            "Accepted attempts deserve it, as a perfect reader of the texts would judge.",
            _PRECISION,
            among("verdict"),
        ),
        goal_check(
            declared,
            "oracle_scores",
            "verifier_recall",
            "Attempts that deserve it are accepted.",
            _RECALL,
            among("expected_verdict"),
        ),
    ]
