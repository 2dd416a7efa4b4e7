"""Who is told how a training process goes: a terminal, or the Dagster step that started it."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.training.ranks import is_first
from videopasta_assets.training.result import TrainingResult

_PIPES_VARIABLE: Final = "DAGSTER_PIPES_CONTEXT"
_REPORT_SECONDS: Final = 1.0
"""Rows of a phase are told this often; of training, every logged step is."""


class Reporter(Protocol):
    """Told of a run's progress and of its end."""

    def progress(self, event: dict[str, Any]) -> None:
        """An event as `Progress` describes it."""

    def finished(self, result: TrainingResult) -> None:
        """The run is done."""

    def failed(self, error: VideoPastaError) -> None:
        """The run ended with an error that we raise on purpose."""


@contextmanager
def open_reporter() -> Iterator[Reporter]:
    """The reporter of this process; of several that train together, the first one speaks."""
    if not is_first():
        yield _Silent()
    elif os.environ.get(_PIPES_VARIABLE):
        from dagster_pipes import open_dagster_pipes

        with open_dagster_pipes() as pipes:
            yield _Messages(pipes.report_custom_message)
    else:
        console = Console(stderr=True)
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=console) as bars:
            yield _Terminal(console, bars)


def print_error(error: VideoPastaError, console: Console | None = None) -> None:
    """One red line on standard error."""
    (console or Console(stderr=True)).print(str(error), style="red", markup=False, soft_wrap=True)


class _Silent:
    def progress(self, event: dict[str, Any]) -> None: ...

    def finished(self, result: TrainingResult) -> None: ...

    def failed(self, error: VideoPastaError) -> None: ...


class _Terminal:
    def __init__(self, console: Console, bars: Progress) -> None:
        self._console = console
        self._bars = bars
        self._tasks: dict[str, Any] = {}

    def progress(self, event: dict[str, Any]) -> None:
        phase = event["phase"]
        if phase not in self._tasks:
            self._tasks[phase] = self._bars.add_task(phase, total=event["total"])
        loss = f"  loss {event['loss']:.4f}" if "loss" in event else ""
        self._bars.update(self._tasks[phase], completed=event["done"], description=f"{phase}{loss}")

    def finished(self, result: TrainingResult) -> None:
        self._bars.stop()
        figures = {name: round(value, 4) for name, value in sorted(result.metrics.items())}
        print(json.dumps({"adapter": str(result.adapter), "steps": result.steps, **figures}, indent=1))  # noqa: T201

    def failed(self, error: VideoPastaError) -> None:
        print_error(error, self._console)


class _Messages:
    """Dagster Pipes: `{"progress": event}` as it goes, `{"error": ...}` before the process ends with one."""

    def __init__(self, send: Any) -> None:
        self._send = send
        self._told = ("", 0.0)

    def progress(self, event: dict[str, Any]) -> None:
        phase, now = event["phase"], time.monotonic()
        due = phase != self._told[0] or now - self._told[1] >= _REPORT_SECONDS or event["done"] == event["total"]
        if due or phase == "train":
            self._told = (phase, now)
            self._send({"progress": event})

    def finished(self, result: TrainingResult) -> None: ...

    def failed(self, error: VideoPastaError) -> None:
        if isinstance(error, UserError):
            self._send({"error": {"what": error.what, "where": error.where, "fix": error.fix}})
        else:
            self._send({"error": {"sentence": str(error)}})


def error_of(message: dict[str, str]) -> VideoPastaError:
    """The error that another process told of."""
    return VideoPastaError(message["sentence"]) if "sentence" in message else UserError(**message)
