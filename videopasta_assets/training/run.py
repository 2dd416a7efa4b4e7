"""Train without Dagster: `python -m videopasta_assets.training.run config.json`.

The file holds `pairs` (a manifest, see `pairs.py`), `model` (a folder), `output` (a folder), `videos` (folders that
may be read), and optionally `decoder`, `max_bytes` and `decode_seconds` (as under `videos` in a project's settings)
and `training` (fields of `TrainingConfig`). Paths are relative to the file.
Exit codes: 0 done, 1 the work failed, 2 wrong use.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from videopasta_assets.config.settings import VideoSettings
from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.training.config import TrainingConfig
from videopasta_assets.training.pairs import read_pairs
from videopasta_assets.training.result import TrainingResult
from videopasta_assets.video.guard import MediaLimits
from videopasta_assets.video.reader import FrameReader, get_reader

_VIDEOS: Final = VideoSettings()


class RunSettings(BaseModel):
    """The configuration file of one run."""

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    pairs: Path
    model: Path
    output: Path
    videos: tuple[Path, ...]
    decoder: Literal["auto", "pyav", "decord"] = _VIDEOS.decoder
    max_bytes: int = Field(default=_VIDEOS.max_bytes, gt=0)
    decode_seconds: float = Field(default=_VIDEOS.decode_seconds, gt=0)
    training: TrainingConfig = TrainingConfig()

    @property
    def reader(self) -> FrameReader:
        """Decodes frames of the videos that may be read."""
        limits = MediaLimits(max_file_bytes=self.max_bytes, decode_seconds=self.decode_seconds)
        return get_reader(self.decoder, self.videos, limits=limits)


def load_settings(path: Path) -> RunSettings:
    """Read a configuration file; its paths become absolute.

    Raises:
        UserError: the file is missing, is not JSON, or has a wrong or unknown field.
    """
    try:
        settings = RunSettings.model_validate(json.loads(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UserError("cannot read the configuration", where=str(path), fix="Give a JSON file.") from error
    except json.JSONDecodeError as error:
        raise UserError(f"not JSON: {error.msg}", where=f"{path}:{error.lineno}", fix="Mend the line.") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(
            f"{where}: {first['msg']}", where=str(path), fix="See docs/training.md for the fields."
        ) from error
    base = path.resolve().parent
    return settings.model_copy(
        update={
            "pairs": base / settings.pairs,
            "model": base / settings.model,
            "output": base / settings.output,
            "videos": tuple(base / folder for folder in settings.videos),
        }
    )


def run(path: Path, console: Console) -> TrainingResult:
    """Train as the file says, with a progress bar a phase."""
    settings = load_settings(path)
    pairs = read_pairs(settings.pairs)
    from videopasta_assets.training.train import train_dpo  # imports torch: after the configuration is known good

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bars:
        tasks: dict[str, Any] = {}

        def report(event: dict[str, Any]) -> None:
            phase = event["phase"]
            if phase not in tasks:
                tasks[phase] = bars.add_task(phase, total=event["total"])
            loss = f"  loss {event['loss']:.4f}" if "loss" in event else ""
            bars.update(tasks[phase], completed=event["done"], description=f"{phase}{loss}")

        return train_dpo(
            settings.training,
            pairs,
            settings.model,
            settings.output,
            settings.reader,
            report,
        )


def main(arguments: list[str]) -> int:
    """Entry of the module; returns the exit code."""
    console = Console(stderr=True)
    if len(arguments) != 1:
        console.print("usage: python -m videopasta_assets.training.run CONFIG.json", markup=False)
        return 2
    try:
        result = run(Path(arguments[0]), console)
    except UserError as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        return 2
    except VideoPastaError as error:
        console.print(str(error), style="red", markup=False, soft_wrap=True)
        return 1
    figures = {name: round(value, 4) for name, value in sorted(result.metrics.items())}
    print(json.dumps({"adapter": str(result.adapter), "steps": result.steps, **figures}, indent=1))  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
