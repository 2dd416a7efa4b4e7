"""Who is told how far a stage is: the command line's progress bars, or nobody."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from videopasta_assets.engines.meter import Meter
from videopasta_assets.stages.materialize import Progress, silent


def silent_training(metrics: dict[str, Any]) -> None:
    """A listener to training steps that does not listen."""


@dataclass(frozen=True)
class ProgressListener:
    """Carries the callbacks into assets.

    Attributes:
        report: told (table, done, total) as rows arrive.
        training: told the metrics of each logged training step.
        meter: counts what engines do, over all the executions that share the listener.
    """

    report: Progress = silent
    training: Callable[[dict[str, Any]], None] = silent_training
    meter: Meter = field(default_factory=Meter)
