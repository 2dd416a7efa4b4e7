"""Settings of the gates between a preference set and training."""

from pydantic import Field

from videopasta_assets.config.strict import Settings


class GateSettings(Settings):
    """What a preference set must not show, or training is blocked (docs/training-jobs.md)."""

    compared_words: int = Field(
        default=256, ge=1, description="Chosen and rejected must differ within so many words: trainers cut the rest."
    )
    max_length_ratio: float = Field(
        default=1.5, ge=1, description="Neither side may be so many times longer on average (95 % confidence)."
    )
    min_mode_share: float = Field(
        default=0.05, ge=0, le=1, description="Each failure mode that is trained on has at least this share of pairs."
    )
    max_similarity: float = Field(
        default=0.95,
        gt=0,
        le=1,
        description="A video that correlates more with one of a benchmark is a copy of it; 1: only equal files are.",
    )
