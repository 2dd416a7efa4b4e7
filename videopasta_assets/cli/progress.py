"""Progress of a run: a live bar in a terminal, a line now and then in a log."""

import time
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from videopasta_assets.cli.console import ERR, say

if TYPE_CHECKING:  # what counts answers is imported by whoever runs engines
    from videopasta_assets.cli.throughput import Throughput

_LOG_EVERY_SECONDS: Final = 15.0


class RunProgress:
    """Shows how far a run is: plan steps over all, rows of the table that is being made, and how fast they come.

    `report` is the callback that stages call. Use as a context manager around the run.
    """

    def __init__(self, steps: int, speed: "Throughput | None" = None) -> None:
        self._speed = speed
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=ERR,
            transient=True,
            disable=not ERR.is_terminal,
        )
        self._all: TaskID = self._bars.add_task("plan", total=steps)
        self._line: TaskID = self._bars.add_task("", total=None, visible=False)
        self._rows: TaskID | None = None
        self._table = ""
        self._partition = ""
        self._started = self._said = time.monotonic()

    def begin(self, partition: str) -> None:
        """The next steps are of this partition."""
        self._finish_table()
        self._partition = partition

    def report(self, table: str, done: int, total: int) -> None:
        """`done` of `total` rows of `table` are computed."""
        if table != self._table:
            self._finish_table()
            self._table = table
            self._started = self._said = time.monotonic()
            self._rows = self._bars.add_task(f"{self._partition} {table}", total=total)
        if self._rows is not None:
            self._bars.update(self._rows, completed=done, total=total)
        line = self._told(table, done)
        now = time.monotonic()
        if not ERR.is_terminal and done < total and now - self._said > _LOG_EVERY_SECONDS:
            self._said = now
            say(f"{self._partition} {table}: {done} of {total}{f' ({line})' if line else ''}")

    def training(self, event: dict[str, Any]) -> None:
        """A training job is at `event["done"]` of `event["total"]` of a phase."""
        self.report(f"lora_checkpoint {event['phase']}", event["done"], event["total"])

    def advance(self, steps: int) -> None:
        """So many steps of the plan are done."""
        self._finish_table()
        self._bars.update(self._all, advance=steps)

    def _told(self, table: str, done: int) -> str:
        """The line about the run's speed, shown under the bars."""
        if self._speed is None:
            return ""
        self._speed.report(table, done)
        line = self._speed.line()
        self._bars.update(self._line, description=line, visible=bool(line))
        return line

    def _finish_table(self) -> None:
        if self._rows is None:
            return
        self._bars.remove_task(self._rows)
        self._rows = None
        elapsed = time.monotonic() - self._started
        self._bars.console.print(
            f"{self._partition} {self._table}: done in {elapsed:.1f} s", markup=False, highlight=False
        )
        self._table = ""

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._finish_table()
        if self._speed is not None and (line := self._speed.line()):
            say(line)
        self._bars.stop()
