"""Asset `oracle_answers`: how true aligned responses on toyworld are. Nothing reads it but people."""

from typing import Any

import dagster as dg

from resources.artifact import EVALUATION
from videopasta_assets.assets.oracle_check import goal_check
from videopasta_assets.assets.preview import markdown_table
from videopasta_assets.assets.shard_asset import shard_asset
from videopasta_assets.lake import Row
from videopasta_assets.oracle import answers as stage
from videopasta_assets.stages import aligned_checks
from videopasta_assets.stages.project import Project, good_rows
from videopasta_assets.taxonomy import MODES

_GOAL = 0.7
"""Below, more than three in ten pairs may teach something false."""


def build(declared: Project) -> dg.AssetsDefinition:
    """The asset for the project that the definitions were loaded with."""
    return shard_asset(
        declared,
        "oracle_answers",
        stage.run,
        group=EVALUATION,
        spec=stage.spec(declared),
        deps=["aligned_checks"] if aligned_checks.wanted(declared) else ["aligned_responses"],
        figures=truth_by_mode,
    )


def truth_by_mode(project: Project, shard: str) -> dict[str, Any]:
    """A row a mode: how many responses answer rightly, and how many are true in every claim."""
    rows = list(good_rows(project, "oracle_answers", shard))
    table = [_shares(mode.value, [row for row in rows if row["query_mode"] == mode]) for mode in MODES]
    return {"truth by mode": dg.MetadataValue.md(markdown_table([row for row in table if row["responses"]]))}


def _shares(name: str, rows: list[Row]) -> dict[str, Any]:
    count = max(1, len(rows))
    return {
        "mode": name,
        "responses": len(rows),
        "question fits": sum(bool(row["query_fits"]) for row in rows) / count,
        "answers rightly": sum(bool(row["right"]) for row in rows) / count,
        "all claims true": sum(row["truth"] == "true" for row in rows) / count,
        "unparsed": sum(row["unparsed"] > 0 for row in rows) / count,
    }


def build_checks(declared: Project) -> list[dg.AssetChecksDefinition]:
    """Whether what may become a chosen answer is right."""

    def offered(project: Project, shard: str) -> tuple[float | None, dict[str, Any]]:
        rows = [row for row in good_rows(project, "oracle_answers", shard) if row["checked"] is not False]
        share = sum(bool(row["right"]) for row in rows) / len(rows) if rows else None
        return share, truth_by_mode(project, shard)

    return [
        goal_check(
            declared,
            "oracle_answers",
            "aligned_responses_are_right",
            "Aligned responses that may be chosen answer their question rightly.",
            _GOAL,
            offered,
        )
    ]
