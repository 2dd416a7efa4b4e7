"""The form that checks on the oracle's tables share: a share, the goal that it should reach, and a table behind it."""

from collections.abc import Callable
from typing import Any

import dagster as dg

from resources.artifact import asset_key
from resources.partitions import SHARDS
from videopasta_assets.stages.project import Project

Measured = Callable[[Project, str], tuple[float | None, dict[str, Any]]]
"""From project and shard: the share, None where there is nothing to measure, and metadata."""


def goal_check(
    declared: Project, table: str, name: str, description: str, goal: float, measure: Measured
) -> dg.AssetChecksDefinition:
    """A check that warns when a share misses its goal; the oracle never stops the pipeline.

    Args:
        declared: the project that the definitions were loaded with.
        table: the checked table.
        name: the check's name.
        description: what should hold.
        goal: the lowest share that passes.
        measure: the share and what is behind it.
    """

    @dg.asset_check(
        name=name,
        asset=asset_key(declared, table),
        partitions_def=SHARDS,
        description=f"{description} Goal: {goal:.0%}.",
    )
    def check(context: dg.AssetCheckExecutionContext, project: dg.ResourceParam[Project]) -> dg.AssetCheckResult:
        share, metadata = measure(project, context.partition_key)
        return dg.AssetCheckResult(
            passed=share is None or share >= goal,
            severity=dg.AssetCheckSeverity.WARN,
            description="nothing to measure" if share is None else f"{share:.1%}",
            metadata={**metadata, "goal": goal, **({} if share is None else {"share": share})},
        )

    return check
