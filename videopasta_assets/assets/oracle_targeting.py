"""Asset `oracle_targeting`: which failure mode a blind judge names for each verified pair."""

from typing import Any

import dagster as dg

from resources.artifact import EVALUATION
from videopasta_assets.assets.oracle_check import goal_check
from videopasta_assets.assets.preview import markdown_table
from videopasta_assets.assets.shard_asset import engine_asset
from videopasta_assets.oracle import targeting as stage
from videopasta_assets.stages.project import Project, good_rows
from videopasta_assets.taxonomy import MODES

_GOAL = 0.8


def build(declared: Project) -> dg.AssetsDefinition:
    """The asset for the project that the definitions were loaded with."""
    return engine_asset(
        declared,
        "oracle_targeting",
        stage.run,
        group=EVALUATION,
        spec=stage.spec(declared),
        deps=["verified_pairs"],
    )


def build_checks(declared: Project) -> list[dg.AssetChecksDefinition]:
    """Whether the intended mode can be told from the texts."""

    def named(project: Project, shard: str) -> tuple[float | None, dict[str, Any]]:
        rows = list(good_rows(project, "oracle_targeting", shard))
        table = []
        for mode in MODES:
            own = [row for row in rows if row["adv_mode"] == mode]
            hits = sum(bool(row["hit"]) for row in own)
            readable = sum(row["readable_mode"] == mode for row in own)
            table.append(
                {
                    "mode": mode.value,
                    "pairs": len(own),
                    "judge names it": hits / len(own) if own else None,
                    "a perfect reader names it": readable / len(own) if own else None,
                    "VideoPASTA, table 8": stage.PAPER[mode],
                }
            )
        share = sum(bool(row["hit"]) for row in rows) / len(rows) if rows else None
        return share, {"by mode": dg.MetadataValue.md(markdown_table(table))}

    return [
        goal_check(
            declared,
            "oracle_targeting",
            "judge_names_the_mode",
            "A judge that is not told the intended mode names it.",
            _GOAL,
            named,
        )
    ]
