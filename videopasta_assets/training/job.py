"""A training run as a file: what a process of its own needs, with or without Dagster."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from videopasta_assets.config.settings import FrameSettings, VideoSettings
from videopasta_assets.errors import UserError
from videopasta_assets.lake.files import replace_file
from videopasta_assets.training.config import TrainingConfig
from videopasta_assets.training.pairs import read_pairs
from videopasta_assets.training.result import TrainingResult
from videopasta_assets.video.guard import MediaLimits
from videopasta_assets.video.reader import FrameReader, get_reader

if TYPE_CHECKING:
    from videopasta_assets.training.progress import Progress  # imports torch

_VIDEOS: Final = VideoSettings()


class TrainingJob(BaseModel):
    """The configuration file of one run.

    Attributes:
        pairs: manifest of the pairs, see `pairs.py`.
        model: folder of the base model.
        output: folder of the run.
        videos: folders that may be read.
        decoder, max_bytes, decode_seconds: as under `videos` in a project's settings.
        start: folder of an adapter to go on from; none: a fresh one.
        features, feature_store_gib: folder of stored vision features and its size; no folder: none are stored.
        preference_set: hash that names the set which the pairs were drawn from; none: the hash of the pairs.
        training: the run's settings.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, protected_namespaces=())

    pairs: Path
    model: Path
    output: Path
    videos: tuple[Path, ...]
    decoder: Literal["auto", "pyav", "decord"] = _VIDEOS.decoder
    max_bytes: int = Field(default=_VIDEOS.max_bytes, gt=0)
    decode_seconds: float = Field(default=_VIDEOS.decode_seconds, gt=0)
    start: Path | None = None
    features: Path | None = None
    feature_store_gib: float = Field(default=FrameSettings().feature_store_gib, ge=0)
    preference_set: str | None = None
    training: TrainingConfig = TrainingConfig()

    @property
    def reader(self) -> FrameReader:
        """Decodes frames of the videos that may be read."""
        limits = MediaLimits(max_file_bytes=self.max_bytes, decode_seconds=self.decode_seconds)
        return get_reader(self.decoder, self.videos, limits=limits)

    def train(self, progress: "Progress | None" = None) -> TrainingResult:
        """Train in this process; see `train_dpo`."""
        pairs = read_pairs(self.pairs)
        from videopasta_assets.engines.feature_store import FeatureStore
        from videopasta_assets.training.train import train_dpo  # imports torch: after the job is known to be good

        size = int(self.feature_store_gib * 2**30)
        return train_dpo(
            self.training,
            pairs,
            self.model,
            self.output,
            self.reader,
            progress,
            preference_set=self.preference_set,
            features=FeatureStore(self.features, size) if self.features is not None and size else None,
            start=self.start,
        )

    def save(self, path: Path) -> None:
        """Write the file that `load_job` reads."""
        replace_file(path, (self.model_dump_json(indent=1) + "\n").encode())


def load_job(path: Path) -> TrainingJob:
    """Read a configuration file; its paths become absolute.

    Raises:
        UserError: the file is missing, is not JSON, or has a wrong or unknown field.
    """
    try:
        job = TrainingJob.model_validate(json.loads(path.read_text(encoding="utf-8")))
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
    return job.model_copy(
        update={
            "pairs": base / job.pairs,
            "model": base / job.model,
            "output": base / job.output,
            "start": None if job.start is None else base / job.start,
            "features": None if job.features is None else base / job.features,
            "videos": tuple(base / folder for folder in job.videos),
        }
    )


def train_here(file: Path, progress: "Progress | None" = None) -> TrainingResult:
    """Do the job of `file` in this process."""
    return load_job(file).train(progress)
