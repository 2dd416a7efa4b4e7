"""Two ways to bring a project up to date in this process: the stages alone, and the command line with Dagster."""

import os
from pathlib import Path
from typing import Literal

from dbt_like_sql.catalog import load_models
from dbt_like_sql.materialize import materialize_model
from dbt_like_sql.views import connect
from tests.fakes.counting_engine import OneEngine
from tests.faults.kill_project import engines_for, open_project
from videopasta_assets.planning.plan import make_plan
from videopasta_assets.stages import (
    adversaries,
    aligned_responses,
    benchmark_scores,
    landing,
    lora_checkpoint,
    preference_set,
    queries,
    sampled_videos,
    verified_pairs,
    videos,
)
from videopasta_assets.stages.benchmark_answers import partition as score_partition
from videopasta_assets.stages.project import Project

Driver = Literal["stages", "command"]

PHASES = (
    "landing",
    "videos",
    "sampled_videos",
    "queries",
    "aligned_responses",
    "adversaries",
    "verified_pairs",
    "preference_set",
    "lora_checkpoint",
    "benchmark_answers",
    "benchmark_scores",
    "models",
)
"""What a run does, in order; a kill is told by the phase that it hits."""

TRAINING_PHASES = ("lora_checkpoint", "benchmark_answers", "benchmark_scores")
"""Those that a run with `--no-train` leaves out."""


def run_project(root: Path, driver: Driver, *, train: bool = True) -> None:
    """What `videopasta run` does, with a ledger's engine for every role."""
    if driver == "command":
        _run_command(root, train=train)
    else:
        _run_stages(root, train=train)


def _run_stages(root: Path, *, train: bool) -> None:
    """Land, plan, do the plan's steps and the SQL models; Dagster has no part in it."""
    project = open_project(root)
    landing.land(project)
    engines = engines_for(root)
    for step in make_plan(project).steps:
        if step.to_do and (train or step.asset not in TRAINING_PHASES):
            _do(project, engines, step.asset, step.partition)
    with connect(project.lake) as connection:
        for model in load_models():
            materialize_model(project.lake, model, connection)


def _do(project: Project, engines: OneEngine, asset: str, partition: str) -> None:
    if asset == "videos":
        videos.run(project, partition)
    elif asset == "sampled_videos":
        sampled_videos.run(project, partition)
    elif asset == "queries":
        queries.run(project, partition, engines)
    elif asset == "aligned_responses":
        aligned_responses.run(project, partition, engines)
    elif asset == "adversaries":
        adversaries.run(project, partition, engines)
    elif asset == "verified_pairs":
        verified_pairs.run(project, partition)
    elif asset == "preference_set":
        preference_set.run(project)
    elif asset == "lora_checkpoint":
        lora_checkpoint.run(project, partition)
    elif asset == "benchmark_scores":
        experiment, benchmark = next(
            (experiment.name, benchmark.name)
            for experiment in project.settings.experiments
            for benchmark in project.settings.evaluation.benchmarks
            if score_partition(experiment.name, benchmark.name) == partition
        )
        benchmark_scores.run(project, experiment, benchmark, engines)
    else:
        raise ValueError(f"the driver does not know asset {asset!r}")


def _run_command(root: Path, *, train: bool) -> None:
    from resources.engines import WarmEngines
    from resources.trainer import ProcessTrainer
    from videopasta_assets.cli.main import command_line
    from videopasta_assets.training.job import train_here

    # In this process, whose writes and steps are the crash points.
    ProcessTrainer.train = lambda _self, _context, job, progress: train_here(job, progress)  # type: ignore[method-assign]
    engine = engines_for(root).engine("responder")
    WarmEngines.engine = lambda _self, _role: engine  # type: ignore[method-assign]
    os.environ["VIDEOPASTA_PROJECT"] = ""
    try:
        command_line(["run", "--project", str(root), "--json", "--train" if train else "--no-train"])
    except SystemExit as ended:
        if ended.code:
            raise
