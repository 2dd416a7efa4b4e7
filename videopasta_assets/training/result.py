"""What a finished run leaves behind, and what tells an interrupted one that it may go on."""

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.lake.files import replace_file, sync_tree

ADAPTER_FILE: Final = "adapter_model.safetensors"
_PATIENCE_SECONDS: Final = 30.0
"""A killed run's process may need a moment to end."""


@dataclass(frozen=True)
class TrainingResult:
    """A trained adapter and how it came about.

    Attributes:
        adapter: folder with `adapter_model.safetensors`, its configuration and a model card.
        adapter_hash: hash of the weights.
        run_id: hash of everything that decided them: pairs, base model, configuration.
        metrics: rewards over the scored pairs after training, overall and by mode, and `train_loss`.
        seconds: wall-clock time of this call.
        resumed_from: the step that an interrupted run was taken up at; 0: from the start.
        reused: nothing ran, because the folder already held this very run.
    """

    adapter: Path
    adapter_hash: str
    run_id: str
    base_model: str
    preference_set: str
    pairs: int
    pairs_by_mode: Mapping[str, int]
    steps: int
    metrics: Mapping[str, float]
    seconds: float
    resumed_from: int = 0
    reused: bool = False

    def save(self, path: Path) -> None:
        """Write as JSON; the adapter's path is not stored, it lies beside."""
        record = asdict(self) | {"adapter": self.adapter.name}
        replace_file(path, (json.dumps(record, indent=1, sort_keys=True) + "\n").encode())

    @classmethod
    def load(cls, path: Path) -> "TrainingResult | None":
        """The result that `path` holds, or none."""
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            return cls(**(record | {"adapter": path.parent / record["adapter"], "reused": True}))
        except (OSError, ValueError, KeyError, TypeError):
            return None


@dataclass(frozen=True)
class Workspace:
    """The folder of one run: `adapter/`, `checkpoints/`, `training_log.jsonl`, `reference.safetensors`."""

    root: Path

    @property
    def adapter(self) -> Path:
        """The finished adapter."""
        return self.root / "adapter"

    @property
    def checkpoints(self) -> Path:
        """States to resume from."""
        return self.root / "checkpoints"

    @property
    def log(self) -> Path:
        """Metrics, one JSON object a logged step."""
        return self.root / "training_log.jsonl"

    @property
    def reference(self) -> Path:
        """Reference log-probabilities of this run's pairs."""
        return self.root / "reference.safetensors"

    @property
    def result(self) -> Path:
        """The finished run."""
        return self.root / "result.json"

    @property
    def last_good(self) -> Path:
        """The adapter of the last good checkpoint of a run that diverged."""
        return self.root / "last_good"

    def finished(self, run_id: str) -> "TrainingResult | None":
        """The result of run `run_id`, if it is complete."""
        found = TrainingResult.load(self.result)
        whole = found is not None and found.run_id == run_id and (self.adapter / ADAPTER_FILE).is_file()
        return found if whole else None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes out of the folder; the kernel lets them in when this one ends, however it ends.

        Raises:
            VideoPastaError: another process trains here, and goes on.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.root / "lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            deadline = time.monotonic() + _PATIENCE_SECONDS
            while not _locked(descriptor):
                if time.monotonic() > deadline:
                    raise VideoPastaError(f"{self.root}: another process trains here. Wait for it, or end it.")
                time.sleep(0.2)
            yield
        finally:
            os.close(descriptor)

    def claim(self, run_id: str, base_model: str) -> None:
        """Begin or take up run `run_id`: what another run left unfinished here is dropped, its adapter is kept.

        Raises:
            UserError: the folder holds an adapter of another base model.
        """
        held = TrainingResult.load(self.result)
        if held is not None and held.base_model != base_model:
            raise UserError(
                f"the folder holds an adapter of {held.base_model}, this run trains {base_model}",
                where=str(self.root),
                fix="Give another output folder, or remove this one.",
            )
        marker = self.root / "run_id"
        if not marker.is_file() or marker.read_text(encoding="utf-8") != run_id:
            marker.unlink(missing_ok=True)  # first: what is half removed belongs to nobody
            for folder in (self.checkpoints, self.last_good):
                shutil.rmtree(folder, ignore_errors=True)
            self.log.unlink(missing_ok=True)
            self.reference.unlink(missing_ok=True)
            replace_file(marker, run_id.encode())

    def keep_last_good(self) -> int | None:
        """Copy the adapter of the last checkpoint to `last_good`; its step, or None where there is no checkpoint."""
        checkpoint = self.last_checkpoint()
        if checkpoint is None:
            return None
        shutil.rmtree(self.last_good, ignore_errors=True)
        self.last_good.mkdir()
        for name in (ADAPTER_FILE, "adapter_config.json"):
            shutil.copyfile(checkpoint / name, self.last_good / name)
        sync_tree(self.last_good)
        return checkpoint_step(checkpoint)

    def last_checkpoint(self) -> Path | None:
        """The newest checkpoint that was written to its end; half-written ones are removed."""
        complete = []
        for path in sorted(self.checkpoints.glob("checkpoint-*")):
            if (path / COMPLETE).is_file():
                complete.append(path)
            else:
                shutil.rmtree(path, ignore_errors=True)
        return max(complete, key=checkpoint_step, default=None)

    def publish(self, staged: Path) -> None:
        """Put a finished adapter in its place; the old one stays until the new one is whole.

        The result goes first: it would vouch for an adapter that is no longer its own.
        """
        sync_tree(staged)
        retired = self.root / "adapter.old"
        shutil.rmtree(retired, ignore_errors=True)
        self.result.unlink(missing_ok=True)
        if self.adapter.exists():
            self.adapter.rename(retired)
        staged.rename(self.adapter)
        shutil.rmtree(retired, ignore_errors=True)


COMPLETE: Final = "complete"
"""Marker file of a checkpoint that was written to its end."""


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def checkpoint_step(path: Path) -> int:
    """The optimizer step of `checkpoint-<step>`."""
    return int(path.name.rsplit("-", 1)[-1])


def read_log(path: Path) -> list[dict[str, Any]]:
    """Logged steps; a line that was cut off by a crash ends the list."""
    records = []
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            try:
                records.append(json.loads(line))
            except json.JSONDecodeError:
                break
    return records
