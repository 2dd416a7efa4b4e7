"""Asset `oracle_scores`: what the oracle knows of generated texts on toyworld. Nothing reads it but people."""

from typing import Any

import dagster as dg

from resources.artifact import EVALUATION, artifact_spec
from resources.partitions import ONE_AT_A_TIME, SHARDS
from resources.progress import ProgressListener
from videopasta_assets.assets.config import ShardConfig
from videopasta_assets.assets.materialization import one_sentence, result_of
from videopasta_assets.oracle import scores as stage
from videopasta_assets.stages.project import Project, good_rows
from videopasta_assets.taxonomy import VerdictStatus


def build(declared: Project) -> dg.AssetsDefinition:
    """The asset for the project that the definitions were loaded with."""

    @dg.multi_asset(
        name=f"{declared.recipe}__oracle_scores",
        specs=[
            artifact_spec(
                declared,
                "oracle_scores",
                group=EVALUATION,
                spec=stage.spec(declared),
                deps=["queries", "aligned_responses", "adversaries", "verdicts"],
                kinds={"python"},
            )
        ],
        partitions_def=SHARDS,
        backfill_policy=ONE_AT_A_TIME,
    )
    def oracle_scores(
        context: dg.AssetExecutionContext,
        config: ShardConfig,
        project: dg.ResourceParam[Project],
        progress: dg.ResourceParam[ProgressListener],
    ) -> dg.MaterializeResult[Any]:
        shard = context.partition_key
        with one_sentence():
            outcome = stage.run(project, shard, retry_failed=config.retry_failed, progress=progress.report)
            return result_of(project, "oracle_scores", shard, outcome, shares(project, shard))

    return oracle_scores


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
