"""A run as it goes: a JSONL log that survives a crash, checkpoints, early stops, and word to whoever watches."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from videopasta_assets.config.training import TrainingSettings
from videopasta_assets.lake.files import replace_file, sync_tree
from videopasta_assets.training.early_stop import DivergenceWatch
from videopasta_assets.training.libraries import TrainerCallback
from videopasta_assets.training.ranks import gathered, is_first, shared
from videopasta_assets.training.result import COMPLETE, read_log

Progress = Callable[[dict[str, Any]], None]
"""Receives `{"phase": "encode"|"reference"|"train"|"score", "done": int, "total": int, ...metrics}`."""


class LogCallback(TrainerCallback):  # type: ignore[misc]  # transformers is untyped here
    """Appends each logged step to a file, reports it, gives up when it must, and marks finished checkpoints."""

    def __init__(self, log: Path, progress: Progress | None, resumed_from: int, config: TrainingSettings) -> None:
        self._log = log
        self._progress = progress
        self._first = resumed_from
        self._watch = DivergenceWatch(config.early_stop)
        self._save_seconds = 60 * config.save_minutes
        self._started = self._saved = time.monotonic()
        if is_first():
            kept = [record for record in read_log(log) if record["step"] <= resumed_from]
            replace_file(log, "".join(json.dumps(record) + "\n" for record in kept).encode())

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """Time left and the age of the last checkpoint are measured from here."""
        self._started = self._saved = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        """Save by time too. Log at every checkpoint: averages never span one, a resumed run logs the same records."""
        due = shared(time.monotonic() - self._saved >= self._save_seconds)
        control.should_save = control.should_save or due
        last = state.global_step == state.max_steps
        control.should_log = control.should_log or due or last or state.global_step % args.save_steps == 0
        return control

    def on_log(self, _args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> Any:
        """One record a logged step; the summary that transformers adds at the end is left out.

        Raises:
            TrainingDivergedError: rewards collapsed.
        """
        if "loss" not in logs:
            return control
        done, total = state.global_step, state.max_steps
        record = {"step": done, **{name: value for name, value in logs.items() if name not in ("epoch", "num_tokens")}}
        if is_first():
            with self._log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
        if self._progress is not None:
            pace = (time.monotonic() - self._started) / max(1, done - self._first)
            self._progress({"phase": "train", "done": done, "total": total, "eta": pace * (total - done), **record})
        self._watch.see(record)
        if not self._watch.is_healthy:  # a run is taken up, and its last good adapter found, at a good state
            control.should_save = False
        return control

    def on_save(self, args: Any, state: Any, _control: Any, **_: Any) -> None:
        """Only a checkpoint with this mark is resumed from."""
        gathered(None)  # each process has written its part
        if is_first():
            checkpoint = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            sync_tree(checkpoint)
            replace_file(checkpoint / COMPLETE, b"")
        self._saved = time.monotonic()


def mean_loss(log: Path) -> float:
    """Mean loss of a finished run's steps; a record holds the mean since the record before it."""
    total, before = 0.0, 0
    for record in read_log(log):
        total += record["loss"] * (record["step"] - before)
        before = record["step"]
    return total / max(1, before)
