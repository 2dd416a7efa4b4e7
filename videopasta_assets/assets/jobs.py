"""Jobs: what a person, a sensor or the command line starts as one run."""

from collections.abc import Sequence
from typing import Any, Final

import dagster as dg

from resources.artifact import asset_key
from resources.partitions import SHARDS, experiments, experiments_by_benchmark
from videopasta_assets.lake import TABLES
from videopasta_assets.oracle.stages import ORACLE_TABLES
from videopasta_assets.planning.plan import SHARD_ASSETS
from videopasta_assets.stages.project import Project
from videopasta_assets.stages.recipes import recipe_of

PAIRS: Final = "pairs"
PREFERENCES: Final = "preferences"
TRAIN: Final = "train"
RETRAIN: Final = "retrain"
EVALUATE: Final = "evaluate"

_WITH_ADVERSARIES: Final = "adversaries"


def shard_keys(project: Project, tables: Sequence[str] = SHARD_ASSETS) -> list[dg.AssetKey]:
    """Assets of one shard's run that the recipe has; VideoPASTA's `adversaries` bring their `verdicts`."""
    recipe = recipe_of(project)
    there = {"videos", "sampled_videos", *recipe.tables, "verified_pairs"}
    if project.settings.oracle_truth is not None:
        there |= {*ORACLE_TABLES}
    named = set(tables) | ({"verdicts"} if recipe.attempts and _WITH_ADVERSARIES in tables else set())
    return [asset_key(project, table) for table in TABLES if table in named & there]


def score_keys(project: Project) -> list[dg.AssetKey]:
    """Assets of one evaluation."""
    return [asset_key(project, table) for table in ("benchmark_answers", "benchmark_scores", "benchmark_breakdowns")]


def build_jobs(project: Project) -> list[Any]:
    """The project's jobs over its pipeline."""
    jobs = [
        dg.define_asset_job(
            PAIRS,
            dg.AssetSelection.assets(*shard_keys(project)),
            description="Bring one shard up to date, from its videos to its verified pairs.",
            partitions_def=SHARDS,
        ),
        dg.define_asset_job(
            PREFERENCES,
            dg.AssetSelection.assets(asset_key(project, "preference_set")),
            description="Make the preference set from all shards' pairs.",
        ),
        dg.define_asset_job(
            TRAIN,
            dg.AssetSelection.assets(asset_key(project, "lora_checkpoint")),
            description="Train one experiment on the preference set. Never started by a sensor.",
            partitions_def=experiments(project),
        ),
        dg.define_asset_job(
            RETRAIN,
            dg.AssetSelection.assets(asset_key(project, "preference_set"), asset_key(project, "lora_checkpoint")),
            description="Make the preference set, check it, and train one experiment on it if the checks pass.",
            partitions_def=experiments(project),
        ),
    ]
    if project.settings.evaluation.benchmarks:
        jobs.append(
            dg.define_asset_job(
                EVALUATE,
                dg.AssetSelection.assets(*score_keys(project)),
                description="Score base and tuned model of one experiment on one benchmark.",
                partitions_def=experiments_by_benchmark(project),
            )
        )
    return jobs
