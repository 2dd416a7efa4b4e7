"""What decides a training run besides its pairs and its base model."""

from typing import Any, Final, Literal

from pydantic import Field

from videopasta_assets.config.training import TrainingSettings

TRAINER_VERSION: Final = "3"
"""Part of a run's identity and of a checkpoint's specification; raised when the same inputs would give other weights
or other metrics."""


class TrainingConfig(TrainingSettings):
    """`TrainingSettings` of the project, with the seed, what other settings decide, and switches rarely needed."""

    seed: int = 0
    max_steps: int | None = Field(default=None, ge=1, description="Stop after so many optimizer steps.")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="auto: bfloat16 on a GPU that has it, float32 elsewhere."
    )
    device: str = Field(default="auto", description="auto: a GPU where there is one; or cpu, cuda.")
    max_side: int | None = Field(default=None, ge=16, description="Longest side of a frame given to the processor.")
    feature_cache_gib: float = Field(default=4.0, ge=0, description="Memory for cached vision features.")
    scored_pairs: int = Field(
        default=256, ge=1, description="Pairs (a seeded sample, by mode) that final rewards are measured on."
    )

    @property
    def identity(self) -> dict[str, Any]:
        """What decides the weights and their metrics: everything but where memory goes and when files are written."""
        return {name: value for name, value in super().identity.items() if name != "feature_cache_gib"}
