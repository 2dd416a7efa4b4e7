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

from videopasta_assets.config.evaluation import LmmsEvalSettings
from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.hashing import stable_hash
from videopasta_assets.stages.project import Project

RUNNER: Final = "lmms-eval"
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


def identity(settings: LmmsEvalSettings) -> str:
    """Hash of everything but the model that decides a result: not where the environment lies, nor its time."""
    return stable_hash(settings.model_dump(exclude={"python", "timeout_hours"}))


def check_ready(settings: LmmsEvalSettings, name: str) -> None:
    """Refuse an environment that is not there.

    Raises:
        UserError: it is not there.
    """
    if shutil.which(str(settings.python)) is None:
        raise UserError(
            f"benchmark {name!r} is run by lmms-eval, and its environment is not there",
            where=str(settings.python),
            fix="Make one: python -m venv DIR && DIR/bin/pip install lmms-eval; then set lmms_eval.python.",
        )


def evaluate(project: Project, name: str, settings: LmmsEvalSettings, adapter: tuple[Path, str] | None) -> Reported:
    """Run a task on the base model, or on the model with an adapter, and read what it reports.

    Raises:
        UserError: the environment is not there, or the task has no such metric.
        VideoPastaError: it failed; the end of its log is in the sentence.
    """
    check_ready(settings, name)
    key = stable_hash(identity(settings), project.model_id("responder"), adapter[1] if adapter else "")
    folder = Path(project.settings.root) / ".cache" / _FOLDER / key
    if _results(folder) is None:
        folder.mkdir(parents=True, exist_ok=True)
        model = project.model_folder("responder") if adapter is None else _merged(project, adapter)
        _run(settings, model, folder)
    found = _results(folder)
    if found is None:
        raise VideoPastaError(f"lmms-eval ended without results: see {folder / 'log.txt'}")
    return read_results(found, settings)


def _run(settings: LmmsEvalSettings, model: Path, folder: Path) -> None:
    arguments = ",".join(part for part in (f"pretrained={model}", settings.model_args) if part)
    command = [str(settings.python), "-m", "lmms_eval", "--model", settings.model, "--model_args", arguments]
    command += ["--tasks", settings.task, "--batch_size", str(settings.batch_size), "--output_path", str(folder)]
    command += [] if settings.limit is None else ["--limit", str(settings.limit)]
    log = folder / "log.txt"
    environment = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
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


def read_results(path: Path, settings: LmmsEvalSettings) -> Reported:
    """A task's metric from lmms-eval's results file; percent and shares become shares.

    Raises:
        UserError: the file is no such file, or has no such task or metric.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        results = data["results"]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError("this is no results file of lmms-eval", where=str(path)) from error
    if settings.task not in results:
        raise UserError(f"no task {settings.task!r}", where=str(path), fix=f"There are: {', '.join(results)}.")
    metrics = {
        key.partition(",")[0]: float(value)
        for key, value in results[settings.task].items()
        if isinstance(value, int | float) and not isinstance(value, bool) and "stderr" not in key
    }
    if not metrics:
        raise UserError(f"task {settings.task!r} has no metric that is a number", where=str(path))
    wanted = settings.metric or next(iter(metrics))
    if wanted not in metrics:
        raise UserError(f"no metric {wanted!r}", where=str(path), fix=f"There are: {', '.join(metrics)}.")
    value = metrics[wanted]
    counted = data.get("n-samples", {}).get(settings.task, {})
    items = counted.get("effective", 0) if isinstance(counted, dict) else counted
    return Reported(wanted, value / 100 if value > 1 else value, int(items))
