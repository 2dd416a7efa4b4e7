"""Partitions of the assets: sealed shards, experiments, and experiments x benchmarks."""

from typing import Final

import dagster as dg

from videopasta_assets.stages.project import Project

SHARDS: Final = dg.DynamicPartitionsDefinition(name="shards")
"""One key a sealed batch of videos. Keys are only ever added: a vanished video is a tombstone row."""

ONE_AT_A_TIME: Final = dg.BackfillPolicy.multi_run(max_partitions_per_run=1)
"""A run that batches partitions would give all of them one data version."""

EXPERIMENT: Final = "experiment"
BENCHMARK: Final = "benchmark"


def experiments(project: Project) -> dg.StaticPartitionsDefinition:
    """One key an experiment of the project file, and an iteration where the recipe has several."""
    rounds = [Project(project.settings, iteration=number + 1) for number in range(project.settings.recipe.iterations)]
    names = [experiment.name for experiment in project.settings.experiments]
    return dg.StaticPartitionsDefinition([one.partition(name) for one in rounds for name in names])


def experiments_by_benchmark(project: Project) -> dg.MultiPartitionsDefinition:
    """One key an experiment and a benchmark."""
    benchmarks = [benchmark.name for benchmark in project.settings.evaluation.benchmarks]
    return dg.MultiPartitionsDefinition(
        {BENCHMARK: dg.StaticPartitionsDefinition(benchmarks), EXPERIMENT: experiments(project)}
    )


def score_key(experiment: str, benchmark: str) -> dg.MultiPartitionKey:
    """The partition key of one experiment's score on one benchmark."""
    return dg.MultiPartitionKey({BENCHMARK: benchmark, EXPERIMENT: experiment})
