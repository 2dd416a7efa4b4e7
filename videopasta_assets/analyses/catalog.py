"""Analyses of a trained project, by name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from videopasta_assets.analyses import (
    difficulty,
    information_gain,
    order_probe,
    question_map,
    targeting,
    timewar_drop,
    toyworld_order,
    training_dynamics,
)
from videopasta_assets.analyses.result import Analysis
from videopasta_assets.config.evaluation import BenchmarkSettings
from videopasta_assets.errors import UserError
from videopasta_assets.stages.project import Engines, Project


@dataclass(frozen=True)
class Entry:
    """An analysis: what it is about, the tables that it reads, how it is run, whether it asks the models, and, where
    toyworld's benchmark does not do for it, what writes one that does (into a project, of so many videos).
    """

    name: str
    title: str
    reads: tuple[str, ...]
    run: Callable[[Project, Engines], Analysis]
    asks: bool = False
    toyworld: Callable[[Project, int], BenchmarkSettings] | None = None


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
        Entry(targeting.NAME, targeting.TITLE, (targeting.TABLE,), lambda project, _: targeting.analyse(project)),
        Entry(difficulty.NAME, difficulty.TITLE, ("lora_checkpoint",), difficulty.analyse, asks=True),
        Entry(
            order_probe.NAME,
            order_probe.TITLE,
            ("benchmark_answers",),
            lambda project, _: order_probe.analyse(project),
            toyworld=toyworld_order.order_probe,
        ),
        Entry(
            timewar_drop.NAME,
            timewar_drop.TITLE,
            ("benchmark_answers",),
            lambda project, _: timewar_drop.analyse(project),
            toyworld=toyworld_order.timewar,
        ),
        Entry(question_map.NAME, question_map.TITLE, (), lambda project, _: question_map.analyse(project)),
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
