"""Live metrics of a run: a JSONL log that survives a crash, and a callback for whoever watches."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from videopasta_assets.lake.files import replace_file, sync_tree
from videopasta_assets.training.libraries import TrainerCallback
from videopasta_assets.training.result import COMPLETE, read_log

Progress = Callable[[dict[str, Any]], None]
"""Receives `{"phase": "encode"|"reference"|"train"|"score", "done": int, "total": int, ...metrics}`."""


class LogCallback(TrainerCallback):  # type: ignore[misc]  # transformers is untyped here
    """Appends each logged step to a file, reports it, and marks finished checkpoints."""

    def __init__(self, log: Path, progress: Progress | None, resumed_from: int) -> None:
        self._log = log
        self._progress = progress
        self._first = resumed_from
        self._started = time.monotonic()
        kept = [record for record in read_log(log) if record["step"] <= resumed_from]
        replace_file(log, "".join(json.dumps(record) + "\n" for record in kept).encode())

    def on_train_begin(self, *_: Any, **__: Any) -> None:
        """Time left is measured from here."""
        self._started = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> Any:
        """Log at every checkpoint: averages then never span one, and a resumed run logs the same records."""
        if state.global_step % args.save_steps == 0 or state.global_step == state.max_steps:
            control.should_log = True
        return control

    def on_log(self, _args: Any, state: Any, _control: Any, logs: dict[str, float], **_: Any) -> None:
        """One record a logged step; the summary that transformers adds at the end is left out."""
        if not state.is_world_process_zero or "loss" not in logs:
            return
        done, total = state.global_step, state.max_steps
        record = {"step": done, **{name: value for name, value in logs.items() if name not in ("epoch", "num_tokens")}}
        with self._log.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")
        if self._progress is not None:
            pace = (time.monotonic() - self._started) / max(1, done - self._first)
            self._progress({"phase": "train", "done": done, "total": total, "eta": pace * (total - done), **record})

    def on_save(self, args: Any, state: Any, _control: Any, **_: Any) -> None:
        """Only a checkpoint with this mark is resumed from."""
        if state.is_world_process_zero:
            checkpoint = Path(args.output_dir) / f"checkpoint-{state.global_step}"
            sync_tree(checkpoint)
            replace_file(checkpoint / COMPLETE, b"")


def mean_loss(log: Path) -> float:
    """Mean loss of a finished run's steps; a record holds the mean since the record before it."""
    total, before = 0.0, 0
    for record in read_log(log):
        total += record["loss"] * (record["step"] - before)
        before = record["step"]
    return total / max(1, before)
