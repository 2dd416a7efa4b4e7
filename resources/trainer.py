"""Starts training as a process of its own, under Dagster Pipes, and shows it in the run as it goes.

A process of its own frees all its memory at the end, may be several, and is the same command that runs without
Dagster. What it reports comes back while it trains: progress to whoever listens, and into the run's log and the
asset's observations, where the web interface plots them.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Protocol

import dagster as dg
from dagster_pipes import PipesMessage, PipesParams

import videopasta_assets.training
from resources.engines import close_engines
from resources.gpu_lease import VISIBLE_DEVICES, hold_gpus
from videopasta_assets.config.training import TrainerSettings
from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.training.job import load_job
from videopasta_assets.training.parent import PARENT_VARIABLE, parent_tag
from videopasta_assets.training.reporting import error_of
from videopasta_assets.training.result import TrainingResult

MODULE: Final = "videopasta_assets.training.run"

_CONFIGURATIONS: Final = Path(videopasta_assets.training.__file__).parent / "accelerate"
_OBSERVE_SECONDS: Final = 15.0
"""An observation of a training step at most this often, and of the last."""
_GRACE_SECONDS: Final = 20.0

TrainingProgress = Callable[[dict[str, Any]], None]


class Trainer(Protocol):
    """Does the training job of a file, in whatever process."""

    def train(self, context: dg.AssetExecutionContext, job: Path, progress: TrainingProgress | None) -> TrainingResult:
        """Train, and tell `progress` of it.

        Raises:
            UserError: the job cannot be done as it is.
            VideoPastaError: training failed.
        """
        ...


@dataclass(frozen=True)
class ProcessTrainer:
    """One process on this machine, or as many as the settings say.

    Attributes:
        settings: how many, and under which configuration of accelerate.
        root: folder that a relative path of that configuration starts at.
    """

    settings: TrainerSettings = field(default_factory=TrainerSettings)
    root: Path = field(default_factory=Path)

    def train(self, context: dg.AssetExecutionContext, job: Path, progress: TrainingProgress | None) -> TrainingResult:
        """See `Trainer`."""
        settings = load_job(job)
        devices = self._devices() if settings.training.device != "cpu" else {}
        account = _Account(context, progress)
        with dg.open_pipes_session(
            context=context,
            context_injector=dg.PipesTempFileContextInjector(),
            message_reader=LiveMessageReader(account.hear, account.fell),
        ) as session:
            told = {**_QUIET, **devices, **session.get_bootstrap_env_vars(), PARENT_VARIABLE: parent_tag()}
            environment = {**os.environ, **told}
            code = _run(command(self.settings, job, self.root), environment)
        if account.error is not None:
            raise account.error
        if code != 0:
            raise VideoPastaError(f"the training process {account.fault or _ending(code)}. {_ADVICE}")
        result = TrainingResult.load(settings.output / "result.json")
        if result is None:
            raise VideoPastaError(f"the training process left no result in {settings.output}. {_ADVICE}")
        return result

    def _devices(self) -> dict[str, str]:
        """Which GPUs the processes see, once this process's models have left them; nothing on a machine without."""
        leases = hold_gpus(self.settings.processes)
        if not leases:
            return {}
        close_engines()
        return {VISIBLE_DEVICES: ",".join(lease.device for lease in leases)}


_ADVICE: Final = "Its output is in the run's log; the next run goes on from its last checkpoint."
_QUIET: Final = {
    "TQDM_DISABLE": "1",
    "TRANSFORMERS_VERBOSITY": "error",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONWARNINGS": "ignore",
}


def command(settings: TrainerSettings, job: Path, root: Path = Path()) -> list[str]:
    """The command line of a training job.

    Raises:
        UserError: there is no such accelerate configuration.
    """
    python, task = sys.executable, ["-m", MODULE, str(job)]
    if settings.accelerate is not None:
        file = accelerate_configuration(settings.accelerate, root)
        launch = ["-m", "accelerate.commands.launch", "--config_file", str(file)]
        return [python, *launch, "--num_processes", str(settings.processes), *task]
    if settings.processes > 1:
        launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(settings.processes)]
        return [python, *launch, *task]
    return [python, *task]


def accelerate_configuration(name: str, root: Path = Path()) -> Path:
    """The file that `trainer.accelerate` names: one of ours by its name, or a path, relative to `root`.

    Raises:
        UserError: there is no such file.
    """
    ours = _CONFIGURATIONS / f"{name}.yaml"
    file = ours if ours.is_file() else root / Path(name).expanduser()
    if not file.is_file():
        known = ", ".join(sorted(path.stem for path in _CONFIGURATIONS.glob("*.yaml")))
        raise UserError(
            f"there is no accelerate configuration {name!r}",
            where="trainer.accelerate",
            fix=f"Name one of {known}, or give the path of a file that `accelerate config` wrote.",
        )
    return file


class LiveMessageReader(dg.PipesTempFileMessageReader):
    """Hands custom messages of the process over as they arrive; Dagster's own readers keep them until it ended.

    Args:
        hear: told each message's content.
        fell: told the exception that the process ended with, if it did.
    """

    def __init__(self, hear: Callable[[Any], None], fell: Callable[[Mapping[str, Any]], None]) -> None:
        super().__init__()
        self._hear = hear
        self._fell = fell

    @contextmanager
    def read_messages(self, handler: Any) -> Iterator[PipesParams]:
        """As the base class does, with an ear between."""
        with super().read_messages(_Ear(handler, self._hear, self._fell)) as parameters:  # type: ignore[arg-type]
            yield parameters


@dataclass(frozen=True)
class _Ear:
    handler: Any
    hear: Callable[[Any], None]
    fell: Callable[[Mapping[str, Any]], None]

    def handle_message(self, message: PipesMessage) -> None:
        details = message["params"] or {}
        if message["method"] == "report_custom_message":
            self.hear(details["payload"])
            return
        if message["method"] == "closed" and "exception" in details:
            self.fell(details["exception"])
        self.handler.handle_message(message)

    def report_pipes_framework_exception(self, origin: str, exc_info: Any) -> None:
        self.handler.report_pipes_framework_exception(origin, exc_info)


class _Account:
    """What the process told of itself."""

    def __init__(self, context: dg.AssetExecutionContext, progress: TrainingProgress | None) -> None:
        self.error: VideoPastaError | None = None
        self.fault = ""
        self._context = context
        self._progress = progress
        self._observed = 0.0

    def hear(self, payload: dict[str, Any]) -> None:
        """Take a message of the process."""
        if "error" in payload:
            self.error = error_of(payload["error"])
            return
        event = payload["progress"]
        if event["phase"] == "train":
            self._observe(event)
        if self._progress is not None:
            self._progress(event)

    def fell(self, exception: Mapping[str, Any]) -> None:
        """Take the exception that nobody meant to happen."""
        self.fault = f"failed: {exception['message'].strip().splitlines()[0]}"

    def _observe(self, event: dict[str, Any]) -> None:
        now = time.monotonic()
        if now - self._observed < _OBSERVE_SECONDS and event["done"] < event["total"]:
            return
        self._observed = now
        figures = {_SHOWN[name]: float(event[name]) for name in _SHOWN if name in event}
        minutes = event["eta"] / 60
        told = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
        self._context.log.info(f"step {event['done']} of {event['total']}: {told}; {minutes:.1f} minutes left")
        self._context.log_event(
            dg.AssetObservation(
                asset_key=self._context.asset_key,
                partition=self._context.partition_key,
                description=f"step {event['done']} of {event['total']}",
                metadata={"step": event["done"], "steps": event["total"], "minutes left": minutes, **figures},
            )
        )


_SHOWN: Final = {
    "loss": "loss",
    "rewards/accuracies": "reward accuracy",
    "rewards/margins": "reward margin",
    "rewards/chosen": "reward chosen",
    "rewards/rejected": "reward rejected",
    "grad_norm": "gradient norm",
    "learning_rate": "learning rate",
}


def _run(arguments: list[str], environment: dict[str, str]) -> int:
    """Exit code of the command; it is ended when this step is interrupted."""
    process = subprocess.Popen(arguments, env=environment, stdin=subprocess.DEVNULL)
    try:
        return process.wait()
    except BaseException:
        process.terminate()
        try:
            process.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        raise


def _ending(code: int) -> str:
    if code >= 0:
        return f"ended with exit code {code}"
    memory = "; was memory short?" if code == -signal.SIGKILL else ""
    return f"was killed by signal {-code}{memory}"
