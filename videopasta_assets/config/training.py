"""Settings of a training run.

VideoPASTA publishes one epoch, LoRA and at most 32 frames (section 4); every other value is our choice, SWIFT's or
Hound-DPO's default where they have one.
"""

from typing import Any, Final, Literal, Self

from pydantic import Field, model_validator

from videopasta_assets.config.strict import Settings
from videopasta_assets.taxonomy import MODES, FailureMode

_OPERATION: Final = frozenset({"save_steps", "save_minutes", "logging_steps", "early_stop"})


class EarlyStopSettings(Settings):
    """When a run that goes wrong is ended. A loss or gradient that is no finite number ends it always."""

    patience: int = Field(
        default=3, ge=0, description="So many logged records in a row that show a collapse end the run; 0: never."
    )
    min_margin: float = Field(
        default=-1.0, le=0, description="A mean reward margin below it is a collapse: the policy prefers the rejected."
    )
    min_chosen: float = Field(
        default=-10.0,
        le=0,
        description="So is a mean reward of the chosen below it: they too become unlikely (in units of beta; with "
        "beta 0.1, -10 is a likelihood e^100 times smaller than the base's).",
    )


class TrainingSettings(Settings):
    """Preference training of a LoRA adapter (section 3.5). The paper does not publish rank, beta or learning rate."""

    objective: Literal["dpo", "sft", "kto", "apo_zero"] = Field(
        default="dpo",
        description="dpo: weighted DPO (Eq. 2 and 3); sft: the chosen responses only; kto: each response by itself, "
        "desirable or not, against a batch's KL; apo_zero: the same without the KL term.",
    )
    epochs: float = Field(default=1, gt=0, description="Paper: 1.")
    learning_rate: float = Field(default=1e-5, gt=0, description="Our choice.")
    scheduler: Literal["cosine", "linear", "constant"] = Field(default="cosine", description="Our choice.")
    beta: float = Field(default=0.1, gt=0, description="Our choice, as in Hound-DPO and TimeWarp.")
    lambdas: dict[FailureMode, float] = Field(
        default=dict.fromkeys(MODES, 1.0), description="Weight of each failure mode in the loss (Eq. 3; our choice)."
    )
    length_normalized: bool = Field(
        default=False,
        description="dpo only: log-probabilities are means over a response's tokens, not sums (beta is then larger).",
    )
    sft_weight: float = Field(
        default=0.0,
        ge=0,
        description="dpo only: so much of the chosen response's mean negative log-likelihood is added (TPO: 1).",
    )
    desirable_weight: float = Field(default=1.0, ge=0, description="kto, apo_zero: weight of chosen responses.")
    undesirable_weight: float = Field(default=1.0, ge=0, description="kto, apo_zero: weight of rejected responses.")
    unpaired_samples: int | None = Field(
        default=None,
        ge=2,
        description="kto, apo_zero: a seeded draw of so many responses, half of them desirable; none: all.",
    )
    lora_r: int = Field(default=8, ge=1, description="Our choice.")
    lora_alpha: int = Field(default=32, ge=1, description="Our choice.")
    lora_dropout: float = Field(default=0.05, ge=0, lt=1, description="Our choice.")
    lora_target: str | None = Field(
        default=None, description="Regular expression of the modules to adapt; none: the language model's linears."
    )
    quantization: Literal["none", "nf4"] = Field(
        default="none", description="nf4: the frozen base in 4 bits (QLoRA; needs bitsandbytes)."
    )
    batch_size: int = Field(default=8, ge=1, description="Pairs in an optimizer step (our choice).")
    micro_batch_size: int = Field(default=4, ge=1, description="Pairs in a forward pass.")
    layout: Literal["auto", "plain", "packed"] = Field(
        default="auto",
        description="plain: a row a response; packed: responses of one video share its tokens in one sequence; "
        "auto: packed where the model family allows.",
    )
    attention: Literal["auto", "sdpa", "flex"] = Field(
        default="auto",
        description="How packed rows attend: sdpa: a call a question; flex: one block-sparse kernel a row (a GPU); "
        "auto: flex where a trial gives what sdpa gives.",
    )
    pairs_per_video: int = Field(
        default=4,
        ge=1,
        description="At most so many pairs of a video in one optimizer step; they share its tokens when packed.",
    )
    warmup_ratio: float = Field(default=0.05, ge=0, lt=1, description="Our choice.")
    weight_decay: float = Field(default=0.1, ge=0, description="Our choice.")
    max_grad_norm: float = Field(default=1.0, gt=0, description="Our choice.")
    max_tokens: int | None = Field(
        default=None, ge=1, description="Longest prompt with response, longer is an error; none: the model's context."
    )
    gradient_checkpointing: bool = Field(default=False, description="Less memory for more time.")
    save_steps: int = Field(default=50, ge=1, description="A checkpoint to resume from every so many steps.")
    save_minutes: float = Field(default=10, gt=0, description="And whenever the last one is so many minutes old.")
    logging_steps: int = Field(default=5, ge=1, description="Metrics are logged every so many steps.")
    early_stop: EarlyStopSettings = EarlyStopSettings()

    @property
    def identity(self) -> dict[str, Any]:
        """What decides the weights: everything but when a checkpoint or a record is written and when to give up."""
        return {name: value for name, value in self.model_dump(mode="json").items() if name not in _OPERATION}

    @model_validator(mode="after")
    def _options_belong_to_the_objective(self) -> Self:
        if self.objective != "dpo" and (self.length_normalized or self.sft_weight):
            raise ValueError("length_normalized and sft_weight belong to objective: dpo")
        if self.objective not in ("kto", "apo_zero") and self.unpaired_samples is not None:
            raise ValueError("unpaired_samples belongs to objective: kto or apo_zero")
        return self


class TrainerSettings(Settings):
    """How a training job is started. It does not decide what comes out, so that a change makes nothing stale."""

    processes: int = Field(
        default=1, ge=1, description="Processes that train together, a GPU each: what a step computes is divided."
    )
    accelerate: str | None = Field(
        default=None,
        description="ddp, fsdp2, deepspeed_zero2, deepspeed_zero3, or the path of an accelerate configuration: the "
        "job is started with `accelerate launch`.",
    )
