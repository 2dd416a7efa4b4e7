"""Who is told how far a stage is: the command line's progress bars, or nobody."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from videopasta_assets.stages.materialize import Progress, silent


def silent_training(metrics: dict[str, Any]) -> None:
    """A listener to training steps that does not listen."""


@dataclass(frozen=True)
class ProgressListener:
    """Carries the callbacks into assets.

    Attributes:
        report: told (table, done, total) as rows arrive.
        training: told the metrics of each logged training step.
    """

    report: Progress = silent
    training: Callable[[dict[str, Any]], None] = silent_training
