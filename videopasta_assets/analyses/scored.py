"""Scores of a project's experiments, as analyses read them."""

from collections.abc import Iterator

from videopasta_assets.errors import UserError
from videopasta_assets.lake import Row
from videopasta_assets.stages.benchmark_answers import partition
from videopasta_assets.stages.benchmark_scores import OVERALL
from videopasta_assets.stages.project import Project, good_rows


def overall_scores(project: Project) -> list[tuple[Row, Row]]:
    """(score over all items, checkpoint) of every experiment on every benchmark.

    Raises:
        UserError: nothing was scored yet.
    """
    found = [
        (score, checkpoint)
        for experiment in project.settings.experiments
        for checkpoint in good_rows(project, "lora_checkpoint", experiment.name)
        for benchmark in project.settings.evaluation.benchmarks
        for score in good_rows(project, "benchmark_scores", partition(experiment.name, benchmark.name))
        if score["mode"] == OVERALL
    ]
    if not found:
        raise UserError("no experiment was scored yet", where=str(project.settings.root), fix="Run `videopasta run`.")
    return found


def answers(project: Project, benchmark: str) -> Iterator[tuple[str, list[Row]]]:
    """(model, its answers) for the base and every experiment that answered the benchmark."""
    for model in ("base", *(experiment.name for experiment in project.settings.experiments)):
        rows = list(good_rows(project, "benchmark_answers", partition(model, benchmark)))
        if rows:
            yield model, rows
