"""Asset `verified_pairs`: preference pairs that passed verification."""

from typing import Any

import dagster as dg

from resources.artifact import VERIFICATION, asset_key
from resources.partitions import SHARDS
from videopasta_assets.assets.pair_integrity import broken_pairs, leaked_instructions
from videopasta_assets.assets.preview import markdown_table
from videopasta_assets.assets.shard_asset import shard_asset
from videopasta_assets.recipes.retention import attempt_acceptance
from videopasta_assets.stages import verified_pairs as stage
from videopasta_assets.stages.project import Project, good_rows
from videopasta_assets.taxonomy import MODES, VerdictStatus


def build(declared: Project) -> dg.AssetsDefinition:
    """The asset for the project that the definitions were loaded with."""

    return shard_asset(
        declared,
        "verified_pairs",
        stage.run,
        group=VERIFICATION,
        spec=stage.spec(declared),
        deps=["sampled_videos", "queries", "aligned_responses", "adversaries", "verdicts", "human_verdicts"],
        figures=retention,
    )


def retention(project: Project, shard: str) -> dict[str, Any]:
    """Slots, attempts and accepted pairs of the shard by mode: as a table, and as numbers that Dagster plots."""
    verdicts = list(good_rows(project, "verdicts", shard))
    rows, shares = [], {}
    for mode in MODES:
        own = [row for row in verdicts if row["adv_mode"] == mode]
        slots = len({(row["query_id"], row["slot"]) for row in own})
        accepted = sum(row["verdict"] == VerdictStatus.ACCEPTED for row in own)
        rows.append(
            {
                "mode": mode.value,
                "slots": slots,
                "attempts": len(own),
                "accepted": accepted,
                "slot retention": accepted / slots if slots else None,
                "attempt acceptance": attempt_acceptance(accepted, len(own)),
            }
        )
        if slots:
            shares[f"retention {mode.value}"] = accepted / slots
    return {"retention by mode": dg.MetadataValue.md(markdown_table(rows)), **shares}


def build_checks(declared: Project) -> list[dg.AssetChecksDefinition]:
    """Checks on a shard's pairs; both block what trains on them."""
    pairs = asset_key(declared, "verified_pairs")

    @dg.asset_check(
        asset=pairs,
        partitions_def=SHARDS,
        blocking=True,
        description="Pairs are unique and complete, and never reject what they choose.",
    )
    def pair_integrity(
        context: dg.AssetCheckExecutionContext, project: dg.ResourceParam[Project]
    ) -> dg.AssetCheckResult:
        rows = list(good_rows(project, "verified_pairs", context.partition_key))
        return defects_result(broken_pairs(rows), len(rows))

    @dg.asset_check(
        asset=pairs,
        partitions_def=SHARDS,
        blocking=True,
        description="No adversarial instruction reaches a training row.",
    )
    def no_adversarial_instruction(
        context: dg.AssetCheckExecutionContext, project: dg.ResourceParam[Project]
    ) -> dg.AssetCheckResult:
        rows = list(good_rows(project, "verified_pairs", context.partition_key))
        return defects_result(leaked_instructions(rows, project.prompts("responder")), len(rows))

    return [pair_integrity, no_adversarial_instruction]


def defects_result(defects: list[str], pairs: int) -> dg.AssetCheckResult:
    """Passed when there is no defect; the description names the first few."""
    return dg.AssetCheckResult(
        passed=not defects,
        description="; ".join(defects[:3]) or f"{pairs} pairs are sound",
        metadata={"pairs": pairs, "defects": len(defects)},
    )
