"""Asset `oracle_difficulty`: how hard verified pairs are for the model before training."""

from typing import Any

import dagster as dg

from resources.artifact import EVALUATION
from videopasta_assets.assets.preview import markdown_table
from videopasta_assets.assets.shard_asset import shard_asset
from videopasta_assets.oracle import difficulty as stage
from videopasta_assets.stages.project import Project, good_rows
from videopasta_assets.taxonomy import MODES


def build(declared: Project) -> dg.AssetsDefinition:
    """The asset for the project that the definitions were loaded with."""
    return shard_asset(
        declared,
        "oracle_difficulty",
        stage.run,
        group=EVALUATION,
        spec=stage.spec(declared),
        deps=["verified_pairs"],
        figures=difficulty_by_mode,
    )


def difficulty_by_mode(project: Project, shard: str) -> dict[str, Any]:
    """A row a mode: how often the model prefers the chosen answer already, and by how much."""
    rows = list(good_rows(project, "oracle_difficulty", shard))
    table = []
    for mode in MODES:
        own = [row for row in rows if row["adv_mode"] == mode]
        if own:
            table.append(
                {
                    "mode": mode.value,
                    "pairs": len(own),
                    "prefers chosen already": sum(bool(row["prefers_chosen"]) for row in own) / len(own),
                    "mean margin": sum(row["margin"] for row in own) / len(own),
                }
            )
    return {"difficulty by mode": dg.MetadataValue.md(markdown_table(table))}
