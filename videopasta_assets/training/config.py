"""What decides a training run besides its pairs and its base model."""

from typing import Literal

from pydantic import Field

from videopasta_assets.config.settings import TrainingSettings


class TrainingConfig(TrainingSettings):
    """`TrainingSettings` of the project, with the seed and the switches that a user rarely needs.

    Published by VideoPASTA: one epoch, at most 32 frames, LoRA. Everything else is our choice (SWIFT's or Hound-DPO's
    defaults where they exist).
    """

    seed: int = 0
    max_steps: int | None = Field(default=None, ge=1, description="Stop after so many optimizer steps.")
    scheduler: Literal["cosine", "linear", "constant"] = Field(default="cosine", description="Our choice.")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        default="auto", description="auto: bfloat16 on a GPU that has it, float32 elsewhere."
    )
    device: str = Field(default="auto", description="auto: a GPU where there is one; or cpu, cuda.")
    layout: Literal["auto", "plain", "packed"] = Field(
        default="auto",
        description="plain: a row a response; packed: responses of one video share its tokens in one sequence; "
        "auto: packed where the model family allows.",
    )
    pairs_per_video: int = Field(
        default=4,
        ge=1,
        description="At most so many pairs of a video in one optimizer step; they share its tokens when packed.",
    )
    lora_target: str | None = Field(
        default=None, description="Regular expression of the modules to adapt; none: the language model's linears."
    )
    max_tokens: int | None = Field(default=None, ge=1, description="Longest prompt + response; longer is an error.")
    max_side: int | None = Field(default=None, ge=16, description="Longest side of a frame given to the processor.")
    feature_cache_gib: float = Field(default=4.0, ge=0, description="Memory for cached vision features.")
    scored_pairs: int = Field(
        default=256, ge=1, description="Pairs (a seeded sample, by mode) that final rewards are measured on."
    )
