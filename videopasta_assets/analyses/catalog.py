"""Analyses of a trained project, by name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from videopasta_assets.analyses import information_gain, training_dynamics
from videopasta_assets.analyses.result import Analysis
from videopasta_assets.errors import UserError
from videopasta_assets.stages.project import Engines, Project


@dataclass(frozen=True)
class Entry:
    """An analysis: what it is about, the tables that it reads, and how it is run."""

    name: str
    title: str
    reads: tuple[str, ...]
    run: Callable[[Project, Engines], Analysis]


ANALYSES: Final = {
    entry.name: entry
    for entry in (
        Entry(
            information_gain.NAME,
            information_gain.TITLE,
            ("benchmark_scores", "lora_checkpoint"),
            lambda project, _: information_gain.analyse(project),
        ),
        Entry(
            training_dynamics.NAME,
            training_dynamics.TITLE,
            ("lora_checkpoint",),
            lambda project, _: training_dynamics.analyse(project),
        ),
    )
}


def run_analysis(project: Project, name: str, engines: Engines) -> Analysis:
    """Run one.

    Raises:
        UserError: it is not known, or what it reads is not there yet.
    """
    if name not in ANALYSES:
        raise UserError(f"no analysis is named {name!r}", fix=f"There are: {', '.join(ANALYSES)}.")
    return ANALYSES[name].run(project, engines)
