"""What was tried in an experiment's folder: a line a run, so that a page shows the settings that failed too."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

_FILE: Final = "tried.jsonl"


@dataclass(frozen=True)
class Trial:
    """One run of an experiment: its options and, by arm, the difference to the base over all items."""

    split: str
    options: dict[str, Any]
    differences: dict[str, tuple[float, float, float]]


def remember(folder: Path, trial: Trial) -> list[Trial]:
    """Add a trial, in place of an earlier one with the same options, and return all, oldest first."""
    earlier = [other for other in trials(folder) if (other.split, other.options) != (trial.split, trial.options)]
    kept = [*earlier, trial]
    text = "".join(f"{json.dumps(asdict(one))}\n" for one in kept)
    (folder / _FILE).write_text(text, encoding="utf-8")
    return kept


def trials(folder: Path) -> list[Trial]:
    """The trials of a folder, oldest first."""
    path = folder / _FILE
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [_trial(json.loads(line)) for line in lines]


def differing(found: Sequence[Trial]) -> list[str]:
    """Names of options that were not the same in all trials."""
    names = sorted({name for trial in found for name in trial.options})
    return [name for name in names if len({json.dumps(trial.options.get(name)) for trial in found}) > 1]


def _trial(data: dict[str, Any]) -> Trial:
    differences = {arm: (mean, low, high) for arm, (mean, low, high) in data["differences"].items()}
    return Trial(data["split"], data["options"], differences)
