"""lmms-eval as another runner: in its own environment, its one number a model put beside ours.

It loads whole models, so a tuned one is merged first. What it reported is kept by model and settings: a second run of
the same asks nothing.
"""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from videopasta_assets import cpu_site
from videopasta_assets.config.evaluation import LmmsEvalSettings
from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.hashing import stable_hash
from videopasta_assets.stages.project import Project

RUNNER: Final = "lmms-eval"
PYTHON_VARIABLE: Final = "VIDEOPASTA_LMMS_EVAL_PYTHON"
"""Names the Python of lmms-eval's environment where the settings do not."""

BESIDE_US: Final = Path(__file__).parents[2] / ".lmms-eval" / "bin" / "python"
"""Where `make lmms-env` puts it."""

_FOLDER: Final = "lmms_eval"
_TAIL: Final = 600


@dataclass(frozen=True)
class Reported:
    """What lmms-eval said of one model.

    Attributes:
        metric: the metric's name.
        score: as a share of 1.
        items: how many it asked; 0 where it does not say.
    """

    metric: str
    score: float
    items: int


@dataclass(frozen=True)
class Task:
    """What lmms-eval is asked to run.

    Attributes:
        name: of the task.
        folder: of tasks beside its own; none.
        metric: which of the task's metrics; none: its first.
        content: hash of the task, where it is ours.
    """

    name: str
    folder: Path | None
    metric: str | None
    content: str = ""


def identity(settings: LmmsEvalSettings) -> str:
    """Hash of everything but the model that decides a result: not where the environment lies, nor its time."""
    return stable_hash(settings.model_dump(mode="json", exclude={"python", "timeout_hours"}))


def find_python(settings: LmmsEvalSettings, name: str) -> Path:
    """The Python of lmms-eval's environment, as the settings, the variable or `make lmms-env` give it.

    Raises:
        UserError: it is not there.
    """
    python = settings.python or Path(os.environ.get(PYTHON_VARIABLE) or BESIDE_US)
    if shutil.which(str(python)) is None:
        raise UserError(
            f"benchmark {name!r} is run by lmms-eval, and its environment is not there",
            where=str(python),
            fix=f"Run `make lmms-env`, or name the Python of an environment that has it in lmms_eval.python or "
            f"{PYTHON_VARIABLE}.",
        )
    return python


def evaluate(
    project: Project, name: str, settings: LmmsEvalSettings, task: Task, adapter: tuple[Path, str] | None
) -> Reported:
    """Run a task on the base model, or on the model with an adapter, and read what it reports.

    Raises:
        UserError: the environment is not there, or the task has no such metric.
        VideoPastaError: it failed; the end of its log is in the sentence.
    """
    python = find_python(settings, name)
    key = stable_hash(identity(settings), task.content, project.model_id("responder"), adapter[1] if adapter else "")
    folder = Path(project.settings.root) / ".cache" / _FOLDER / key
    if _results(folder) is None:
        folder.mkdir(parents=True, exist_ok=True)
        model = project.model_folder("responder") if adapter is None else _merged(project, adapter)
        _run(python, settings, task, model, folder)
    found = _results(folder)
    if found is None:
        raise VideoPastaError(f"lmms-eval ended without results: see {folder / 'log.txt'}")
    return read_results(found, task, settings.percent)


def _run(python: Path, settings: LmmsEvalSettings, task: Task, model: Path, folder: Path) -> None:
    arguments = ",".join(part for part in (f"pretrained={model}", settings.model_args) if part)
    command = [str(python), "-m", "lmms_eval", "--model", settings.model, "--model_args", arguments]
    command += ["--tasks", task.name, "--batch_size", str(settings.batch_size), "--output_path", str(folder)]
    command += [] if task.folder is None else ["--include_path", str(task.folder)]
    command += [] if settings.limit is None else ["--limit", str(settings.limit)]
    log = folder / "log.txt"
    environment = {key: value for key, value in os.environ.items() if key != "VIRTUAL_ENV"}
    environment["PYTHONPATH"] = str(cpu_site.FOLDER)
    try:
        with log.open("wb") as target:
            done = subprocess.run(
                command,
                stdout=target,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=environment,
                timeout=3600 * settings.timeout_hours,
                check=False,
            )
    except subprocess.TimeoutExpired as error:
        raise VideoPastaError(f"lmms-eval took longer than {settings.timeout_hours} hours: see {log}") from error
    if done.returncode != 0:
        tail = " ".join(log.read_text(encoding="utf-8", errors="replace")[-_TAIL:].split())
        raise VideoPastaError(f"lmms-eval failed with code {done.returncode} ({log}): {tail}")


def _merged(project: Project, adapter: tuple[Path, str]) -> Path:
    """A folder with the adapter's model as a whole; made once."""
    target = Path(project.settings.root) / ".cache" / "merged" / adapter[1][:16]
    if target.is_dir():
        return target
    from videopasta_assets.training.merge import merge_adapter

    role = project.role("responder")
    return merge_adapter(project.model_source("responder"), role.revision, adapter[0], target)


def _results(folder: Path) -> Path | None:
    found = sorted(folder.rglob("*_results.json")) + sorted(folder.rglob("results.json"))
    return found[-1] if found else None


def read_results(path: Path, task: Task, percent: bool | None = None) -> Reported:
    """A task's metric from lmms-eval's results file; percent and shares become shares.

    Args:
        path: the file.
        task: what was run.
        percent: the metric is of 100; None: where it is above 1.

    Raises:
        UserError: the file is no such file, or has no such task or metric.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        results = data["results"]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError("this is no results file of lmms-eval", where=str(path)) from error
    if task.name not in results:
        raise UserError(f"no task {task.name!r}", where=str(path), fix=f"There are: {', '.join(results)}.")
    metrics = {
        key.partition(",")[0]: float(value)
        for key, value in results[task.name].items()
        if isinstance(value, int | float) and not isinstance(value, bool) and "stderr" not in key
    }
    if not metrics:
        raise UserError(f"task {task.name!r} has no metric that is a number", where=str(path))
    wanted = task.metric or next(iter(metrics))
    if wanted not in metrics:
        raise UserError(f"no metric {wanted!r}", where=str(path), fix=f"There are: {', '.join(metrics)}.")
    value = metrics[wanted]
    counted = data.get("n-samples", {}).get(task.name, {})
    items = counted.get("effective", 0) if isinstance(counted, dict) else counted
    return Reported(wanted, value / 100 if percent or (percent is None and value > 1) else value, int(items))
