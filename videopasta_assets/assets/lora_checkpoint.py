"""Asset `lora_checkpoint`: one LoRA adapter an experiment, trained on the preference set."""

import json
from functools import partial
from typing import Any

import dagster as dg

from resources.artifact import GPU_POOL, TRAINING, artifact_spec
from resources.partitions import ONE_AT_A_TIME, experiments
from resources.progress import ProgressListener
from resources.trainer import Trainer
from videopasta_assets.assets.materialization import one_sentence, result_of
from videopasta_assets.assets.preview import markdown_picture, markdown_table, report_metadata
from videopasta_assets.errors import VideoPastaError
from videopasta_assets.reports import write_checkpoint_report
from videopasta_assets.reports.figures import png, training_curves
from videopasta_assets.stages import lora_checkpoint as stage
from videopasta_assets.stages.iteration import at_partition
from videopasta_assets.stages.project import Project
from videopasta_assets.stages.set_gates import blocked
from videopasta_assets.training.result import read_log


def build(declared: Project) -> dg.AssetsDefinition:
    """The asset for the project that the definitions were loaded with."""
    specs = {experiment.name: stage.spec(declared, experiment.name) for experiment in declared.settings.experiments}

    @dg.multi_asset(
        name=f"{declared.recipe}__lora_checkpoint",
        specs=[
            artifact_spec(
                declared,
                "lora_checkpoint",
                group=TRAINING,
                spec={f"{name} {part}": value for name, parts in specs.items() for part, value in parts.items()},
                deps=["preference_set"],
                kinds={"pytorch", "huggingface"},
            )
        ],
        partitions_def=experiments(declared),
        backfill_policy=ONE_AT_A_TIME,
        pool=GPU_POOL,
    )
    def lora_checkpoint(
        context: dg.AssetExecutionContext,
        project: dg.ResourceParam[Project],
        progress: dg.ResourceParam[ProgressListener],
        trainer: dg.ResourceParam[Trainer],
    ) -> dg.MaterializeResult[Any]:
        with one_sentence():
            project = at_partition(project, context.partition_key)
            experiment = project.plain(context.partition_key)
            refuse_blocked(project, experiment)
            train = partial(trainer.train, context)
            outcome = stage.run(project, experiment, progress.training, train)
            return result_of(project, "lora_checkpoint", experiment, outcome, training_figures(project, experiment))

    return lora_checkpoint


def refuse_blocked(project: Project, experiment: str) -> None:
    """Training starts from pairs that pass the preference set's gates now, in whichever run the set was made.

    Raises:
        VideoPastaError: a gate is closed.
    """
    reason = blocked(project, stage.experiment_named(project, experiment))
    if reason is not None:
        raise VideoPastaError(f"training is blocked: {reason}.")


def training_figures(project: Project, experiment: str) -> dict[str, Any]:
    """How training ended, as numbers that Dagster plots over materializations."""
    rows = [row for row in project.lake.rows(project.address("lora_checkpoint", experiment)) if row["error"] is None]
    if not rows:
        return {}
    row = rows[0]
    metrics = {
        name: value for name, value in json.loads(row["metrics"] or "{}").items() if isinstance(value, int | float)
    }
    figures = {name: row[name] for name in ("pairs", "steps", "reward_accuracy", "seconds") if row[name] is not None}
    adapter = project.lake.local_folder(row["adapter"])
    steps = read_log(adapter.parent / "training_log.jsonl")
    curves = {"curves": dg.MetadataValue.md(markdown_picture(png(training_curves(steps)), "training"))} if steps else {}
    table = markdown_table([{"metric": name, "value": float(value)} for name, value in sorted(metrics.items())])
    return {
        **figures,
        **curves,
        "adapter": dg.MetadataValue.path(str(adapter)),
        "adapter hash": row["adapter_hash"],
        "preference set": row["preference_set"],
        "metrics": dg.MetadataValue.md(table),
        **report_metadata(write_checkpoint_report(project, experiment)),
    }
