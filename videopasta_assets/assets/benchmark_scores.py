"""Assets `benchmark_answers`, `benchmark_scores` and `benchmark_breakdowns`: base and tuned on held-out questions."""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import dagster as dg

from resources.artifact import EVALUATION, GPU_POOL, artifact_spec, asset_key
from resources.engine_work import engine_work, work_figures
from resources.engines import engines_of
from resources.partitions import (
    BENCHMARK,
    EXPERIMENT,
    ONE_AT_A_TIME,
    experiments_by_benchmark,
)
from resources.progress import ProgressListener
from videopasta_assets.assets.config import ShardConfig
from videopasta_assets.assets.materialization import one_sentence, result_of
from videopasta_assets.assets.preview import markdown_table, report_metadata
from videopasta_assets.lake import Row
from videopasta_assets.reports import write_checkpoint_report
from videopasta_assets.stages import benchmark_scores as stage
from videopasta_assets.stages.benchmark_answers import BASE, partition
from videopasta_assets.stages.iteration import at_partition
from videopasta_assets.stages.project import Engines, Project, good_rows

_PARSE_RATE: Final = 0.9
_LISTED: Final = 100
_COMPARED: Final = ("items", "base_accuracy", "tuned_accuracy", "difference", "difference_low", "difference_high")
_SHOWN: Final = ("mode", "metric", *_COMPARED, "p_value", "excluded")
_PARTS_SHOWN: Final = ("facet", "value", *_COMPARED)


def build(declared: Project) -> dg.AssetsDefinition:
    """All three: one pass over the benchmark fills them."""
    specs = {
        f"{benchmark.name} {part}": value
        for benchmark in declared.settings.evaluation.benchmarks
        for part, value in stage.spec(declared, benchmark.name).items()
    }
    same_experiment = dg.AssetDep(
        asset_key(declared, "lora_checkpoint"),
        partition_mapping=dg.MultiToSingleDimensionPartitionMapping(partition_dimension_name=EXPERIMENT),
    )

    @dg.multi_asset(
        name=f"{declared.recipe}__benchmark_scores",
        specs=[
            artifact_spec(
                declared,
                "benchmark_answers",
                group=EVALUATION,
                spec=specs,
                deps=[same_experiment],
                kinds={"huggingface"},
            ),
            artifact_spec(
                declared,
                "benchmark_scores",
                group=EVALUATION,
                spec=specs,
                deps=["benchmark_answers"],
                kinds={"python"},
            ),
            artifact_spec(
                declared,
                "benchmark_breakdowns",
                group=EVALUATION,
                spec=specs,
                deps=["benchmark_answers"],
                kinds={"python"},
            ),
        ],
        partitions_def=experiments_by_benchmark(declared),
        backfill_policy=ONE_AT_A_TIME,
        pool=GPU_POOL,
    )
    def benchmark_scores(
        context: dg.AssetExecutionContext,
        config: ShardConfig,
        project: dg.ResourceParam[Project],
        engines: dg.ResourceParam[Engines],
        progress: dg.ResourceParam[ProgressListener],
    ) -> Iterator[dg.MaterializeResult[Any]]:
        with one_sentence():
            project, experiment, benchmark = dimensions(context, project)
            engines = engines_of(project, engines)
            before = engine_work()
            outcomes = stage.run(
                project, experiment, benchmark, engines, progress.report, retry_failed=config.retry_failed
            )
        shard = partition(experiment, benchmark)
        for table, outcome in outcomes.items():
            extra: dict[str, Any] | None = None
            if table == "benchmark_answers":
                extra = work_figures(before)
            elif table == "benchmark_scores":
                extra = {
                    **score_figures(project, shard),
                    **_changed(project, experiment, benchmark),
                    **report_metadata(write_checkpoint_report(project, experiment)),
                }
            elif table == "benchmark_breakdowns":
                rows = good_rows(project, table, shard)
                extra = {"parts": dg.MetadataValue.md(markdown_table([_cut(row, _PARTS_SHOWN) for row in rows]))}
            yield result_of(project, table, shard, outcome, extra)

    return benchmark_scores


def dimensions(
    context: dg.AssetExecutionContext | dg.AssetCheckExecutionContext, project: Project
) -> tuple[Project, str, str]:
    """(project in the partition's iteration, experiment, benchmark) of the partition that is being materialized."""
    key = context.partition_key
    if not isinstance(key, dg.MultiPartitionKey):
        raise TypeError(f"partition {key!r} has no dimensions")
    located = at_partition(project, key.keys_by_dimension[EXPERIMENT])
    return located, located.plain(key.keys_by_dimension[EXPERIMENT]), key.keys_by_dimension[BENCHMARK]


def _scores(project: Project, shard: str) -> list[Row]:
    return list(good_rows(project, "benchmark_scores", shard))


def _changed(project: Project, experiment: str, benchmark: str) -> dict[str, Any]:
    """The first items that training fixed, and that it broke, with both replies."""
    base = {row["item_id"]: row for row in good_rows(project, "benchmark_answers", partition(BASE, benchmark))}
    found: dict[str, list[Row]] = {"fixed": [], "broken": []}
    for after in good_rows(project, "benchmark_answers", partition(experiment, benchmark)):
        before = base.get(after["item_id"])
        if before is not None and before["correct"] != after["correct"]:
            options = after["options"] or []
            right = options[after["answer_index"]] if options else after["reference"]
            shown = {"question": after["question"], "right": right, "before": before["reply"], "after": after["reply"]}
            found["fixed" if after["correct"] else "broken"].append(shown)
    return {name: dg.MetadataValue.md(markdown_table(rows[:_LISTED])) for name, rows in found.items() if rows}


def _cut(row: Row, names: Sequence[str]) -> Row:
    return {name: row[name] for name in names}


def score_figures(project: Project, shard: str) -> dict[str, Any]:
    """Accuracies by mode as a table; the overall ones as numbers that Dagster plots."""
    rows = _scores(project, shard)
    overall = next((row for row in rows if row["mode"] == "all"), None)
    names = ("base_accuracy", "tuned_accuracy", "difference", "p_value", "excluded")
    figures = {name: overall[name] for name in names} if overall else {}
    table = markdown_table([_cut(row, _SHOWN) for row in rows])
    return {**figures, "scores": dg.MetadataValue.md(table)}


def build_checks(declared: Project) -> list[dg.AssetChecksDefinition]:
    """Checks on scores; they warn, they hide nothing."""

    @dg.asset_check(
        asset=asset_key(declared, "benchmark_scores"),
        partitions_def=experiments_by_benchmark(declared),
        description="Both models' replies could be parsed; unparsable ones count as wrong.",
    )
    def replies_can_be_parsed(
        context: dg.AssetCheckExecutionContext, project: dg.ResourceParam[Project]
    ) -> dg.AssetCheckResult:
        project, experiment, benchmark = dimensions(context, project)
        rows = _scores(project, partition(experiment, benchmark))
        rates = [row[f"{model}_parse_rate"] for row in rows for model in ("base", "tuned")]
        lowest = min((rate for rate in rates if rate is not None), default=1.0)
        return dg.AssetCheckResult(
            passed=lowest >= _PARSE_RATE,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"lowest share of replies that could be parsed: {lowest:.3f}",
            metadata={"lowest parse rate": lowest},
        )

    @dg.asset_check(
        asset=asset_key(declared, "benchmark_scores"),
        partitions_def=experiments_by_benchmark(declared),
        description="No video of the benchmark is one that the experiment was trained on.",
    )
    def no_video_was_trained_on(
        context: dg.AssetCheckExecutionContext, project: dg.ResourceParam[Project]
    ) -> dg.AssetCheckResult:
        found = stage.trained_on(*dimensions(context, project))
        return dg.AssetCheckResult(
            passed=not found,
            severity=dg.AssetCheckSeverity.ERROR,
            description=f"{len(found)} of the benchmark's videos are in the training set" if found else "none is",
            metadata={"videos": len(found), "first": ", ".join(found[:5])},
        )

    @dg.asset_check(
        asset=asset_key(declared, "benchmark_scores"),
        partitions_def=experiments_by_benchmark(declared),
        description="Every item of the benchmark could be asked of both models.",
    )
    def every_item_was_asked(
        context: dg.AssetCheckExecutionContext, project: dg.ResourceParam[Project]
    ) -> dg.AssetCheckResult:
        project, experiment, benchmark = dimensions(context, project)
        rows = _scores(project, partition(experiment, benchmark))
        left_out = next((row["excluded"] or 0 for row in rows if row["mode"] == stage.OVERALL), 0)
        why = [
            {"item": row["item_id"], "model": row["model"], "why": row["error"]}
            for model in (BASE, experiment)
            for row in project.lake.rows(project.address("benchmark_answers", partition(model, benchmark)))
            if row["error"] is not None
        ]
        return dg.AssetCheckResult(
            passed=not left_out,
            severity=dg.AssetCheckSeverity.WARN,
            description=f"{left_out} items were left out of both sides",
            metadata={"left out": left_out, "why": dg.MetadataValue.md(markdown_table(why[:_LISTED]))},
        )

    return [replies_can_be_parsed, no_video_was_trained_on, every_item_was_asked]
