"""Training dynamics: rewards and their accuracy at each logged step (VideoPASTA, figure 4)."""

from typing import Final

from videopasta_assets.analyses.plots import Point, lines
from videopasta_assets.analyses.result import Analysis, Measured
from videopasta_assets.errors import UserError
from videopasta_assets.reports.document import Plot, Report, Section, Table
from videopasta_assets.reports.paper import TRAINING_DYNAMICS
from videopasta_assets.stages.project import Project, good_rows
from videopasta_assets.training.result import Workspace, read_log

NAME: Final = "training-dynamics"
TITLE: Final = "Training dynamics: rewards by step"
METRICS: Final = {
    "rewards/chosen": "chosen reward",
    "rewards/rejected": "rejected reward",
    "rewards/accuracies": "reward accuracy",
    "rewards/margins": "reward margin",
}
"""Logged names, and what they are: reward = beta x (log pi - log pi_ref)."""


def analyse(project: Project) -> Analysis:
    """The curves of every experiment that was trained on preferences.

    Raises:
        UserError: none was.
    """
    measured: list[Measured] = []
    curves: dict[str, dict[str, list[tuple[int, float]]]] = {name: {} for name in METRICS}
    for experiment in project.settings.experiments:
        for checkpoint in good_rows(project, "lora_checkpoint", experiment.name):
            folder = project.lake.local_folder(checkpoint["adapter"]).parent
            for step in read_log(Workspace(folder).log):
                for name, meaning in METRICS.items():
                    if name in step:
                        curves[name].setdefault(experiment.name, []).append((int(step["step"]), float(step[name])))
                        measured.append(
                            Measured(experiment.name, None, f"step {int(step['step'])}", meaning, float(step[name]))
                        )
    if not measured:
        raise UserError(
            "no experiment was trained on preferences yet",
            where=str(project.settings.root),
            fix="Run `videopasta run`.",
        )
    sections = [
        Section(
            meaning.capitalize(),
            plot=Plot(
                lines(
                    {name: [(step, Point(value)) for step, value in curve] for name, curve in curves[metric].items()},
                    "optimizer step",
                    meaning,
                ),
                f"{meaning} by optimizer step, a line an experiment",
            ),
            tables=(
                Table(
                    ("experiment", "first", "last", "steps"),
                    [
                        (name, f"{curve[0][1]:.3f}", f"{curve[-1][1]:.3f}", curve[-1][0])
                        for name, curve in curves[metric].items()
                    ],
                ),
            ),
        )
        for metric, meaning in METRICS.items()
        if curves[metric]
    ]
    sections.append(Section("VideoPASTA (paper)", (f"For orientation, {TRAINING_DYNAMICS}.",)))
    return Analysis(NAME, measured, Report(TITLE, "How rewards moved in training.", (), tuple(sections)))
