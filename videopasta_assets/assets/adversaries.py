"""Assets `adversaries` and `verdicts`: adversarial answers and what the verifier said, round by round."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import dagster as dg

from resources.artifact import GENERATION, GPU_POOL, VERIFICATION, artifact_spec, asset_key
from resources.engine_work import engine_work, work_figures
from resources.engines import engines_of
from resources.partitions import ONE_AT_A_TIME, SHARDS
from resources.progress import ProgressListener
from videopasta_assets.assets.config import ShardConfig
from videopasta_assets.assets.materialization import one_sentence, result_of
from videopasta_assets.assets.preview import markdown_table
from videopasta_assets.lake import Row
from videopasta_assets.stages import adversaries as stage
from videopasta_assets.stages import aligned_checks
from videopasta_assets.stages import verdicts as verdict_stage
from videopasta_assets.stages.iteration import at_partition
from videopasta_assets.stages.project import Engines, Project, good_rows
from videopasta_assets.taxonomy import VerdictStatus


def build(declared: Project) -> dg.AssetsDefinition:
    """Both assets: one loop fills them, because a rejected attempt is tried again."""

    @dg.multi_asset(
        name=f"{declared.recipe}__adversaries",
        specs=[
            artifact_spec(
                declared,
                "adversaries",
                group=GENERATION,
                spec=stage.spec(declared),
                deps=["sampled_videos", checked_responses(declared)],
                kinds={"huggingface"},
            ),
            artifact_spec(
                declared,
                "verdicts",
                group=VERIFICATION,
                spec=verdict_stage.spec(declared),
                deps=["aligned_responses", "adversaries"],
                kinds={"huggingface"},
            ),
        ],
        partitions_def=SHARDS,
        backfill_policy=ONE_AT_A_TIME,
        pool=GPU_POOL,
    )
    def adversaries(
        context: dg.AssetExecutionContext,
        config: ShardConfig,
        project: dg.ResourceParam[Project],
        engines: dg.ResourceParam[Engines],
        progress: dg.ResourceParam[ProgressListener],
    ) -> Iterator[dg.MaterializeResult[Any]]:
        shard = context.partition_key
        with one_sentence():
            project = at_partition(project, shard)
            engines = engines_of(project, engines)
            before = engine_work()
            outcomes = stage.run(project, shard, engines, retry_failed=config.retry_failed, progress=progress.report)
        for table, outcome in outcomes.items():
            extra = attempt_figures(project, shard) | work_figures(before) if table == "adversaries" else None
            yield result_of(project, table, shard, outcome, extra)

    return adversaries


def attempt_figures(project: Project, shard: str) -> dict[str, Any]:
    """Attempts and accepted ones by mode and strategy, and how many attempts a slot took."""
    verdicts = {row["adversary_id"]: row["verdict"] for row in good_rows(project, "verdicts", shard)}
    attempts = list(good_rows(project, "adversaries", shard))
    made = Counter((row["adv_mode"], row["adv_strategy"]) for row in attempts)
    accepted = Counter(
        (row["adv_mode"], row["adv_strategy"])
        for row in attempts
        if verdicts.get(row["adversary_id"]) == VerdictStatus.ACCEPTED
    )
    rows = [
        {"mode": mode, "strategy": strategy, "attempts": count, "accepted": accepted[mode, strategy]}
        for (mode, strategy), count in sorted(made.items())
    ]
    slots = len({(row["query_id"], row["slot"]) for row in attempts})
    return {
        "attempts by strategy": dg.MetadataValue.md(markdown_table(rows)),
        **({"attempts a slot": len(attempts) / slots} if slots else {}),
    }


def checked_responses(declared: Project) -> str:
    """The table that says which aligned responses go on: all of them where the recipe checks by text alone."""
    return "aligned_checks" if aligned_checks.wanted(declared) else "aligned_responses"


def build_checks(declared: Project) -> list[dg.AssetChecksDefinition]:
    """Checks on a shard's attempts."""

    @dg.asset_check(
        asset=asset_key(declared, "verdicts"),
        additional_deps=[asset_key(declared, "adversaries")],
        partitions_def=SHARDS,
        blocking=True,
        description="Every attempt with a text has its verdict, and a slot has at most one accepted attempt: its last.",
    )
    def attempts_add_up(
        context: dg.AssetCheckExecutionContext, project: dg.ResourceParam[Project]
    ) -> dg.AssetCheckResult:
        shard = context.partition_key
        attempts = list(good_rows(project, "adversaries", shard))
        verdicts = project.lake.rows(project.address("verdicts", shard))
        wrong = wrong_attempts(attempts, verdicts)
        return dg.AssetCheckResult(
            passed=not wrong,
            description="; ".join(wrong[:3]) or f"{len(attempts)} attempts, each with its verdict",
            metadata={"attempts": len(attempts), "verdicts": len(verdicts), "wrong": len(wrong)},
        )

    return [attempts_add_up]


def wrong_attempts(attempts: list[dict[str, Any]], verdicts: list[Row]) -> list[str]:
    """What does not add up: attempts without verdict, verdicts without attempt, slots that went on once accepted."""
    ids, judged = {row["adversary_id"] for row in attempts}, {row["row_key"] for row in verdicts}
    wrong = [f"attempt {key} has no verdict" for key in sorted(ids - judged)]
    wrong += [f"verdict {key} has no attempt" for key in sorted(judged - ids)]
    last: dict[tuple[str, int], int] = {}
    for row in attempts:
        slot = (row["query_id"], row["slot"])
        last[slot] = max(last.get(slot, 0), row["attempt"])
    wrong += [
        f"slot {row['slot']} of query {row['query_id']} went on after attempt {row['attempt']} was accepted"
        for row in verdicts
        if row["verdict"] == VerdictStatus.ACCEPTED and row["attempt"] != last.get((row["query_id"], row["slot"]))
    ]
    return wrong
