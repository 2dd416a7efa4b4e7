"""Asset `oracle_scores`: what the oracle knows of generated texts on toyworld. Nothing reads it but people."""

import dagster as dg

from resources.artifact import EVALUATION
from videopasta_assets.assets.shard_asset import shard_asset
from videopasta_assets.oracle import scores as stage
from videopasta_assets.stages.project import Project, good_rows
from videopasta_assets.taxonomy import VerdictStatus


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


def shares(project: Project, shard: str) -> dict[str, float]:
    """What share of the attempts is how good, as numbers that Dagster plots."""
    rows = list(good_rows(project, "oracle_scores", shard))
    accepted = [row for row in rows if row["verdict"] == VerdictStatus.ACCEPTED]
    parts = (
        ("aligned answers that are right", rows, "aligned_right"),
        ("adversaries on target", rows, "on_target"),
        ("accepted pairs that are good", accepted, "good_pair"),
    )
    return {name: sum(bool(row[column]) for row in of) / len(of) for name, of, column in parts if of}
