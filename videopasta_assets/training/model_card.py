"""The card of a trained adapter: what it was made from, how, and what was measured."""

from collections.abc import Mapping
from typing import Final

from videopasta_assets.taxonomy import FailureMode
from videopasta_assets.training.config import TrainingConfig

_OBJECTIVES: Final = {
    "dpo": "weighted DPO",
    "sft": "supervised fine-tuning on the chosen responses",
    "kto": "KTO (each response a sample of its own)",
    "apo_zero": "APO-zero (each response a sample of its own)",
}
_FIGURES = ("reward_accuracy", "reward_chosen", "reward_rejected", "reward_margin")


def model_card(
    *,
    config: TrainingConfig,
    base_model: str,
    preference_set: str,
    pairs_by_mode: Mapping[str, int],
    scored: int,
    steps: int,
    metrics: Mapping[str, float],
    run_id: str,
) -> str:
    """Markdown with the front matter that model hubs read. Every figure was measured on training pairs."""
    name, _, digest = base_model.partition("@")
    modes = ", ".join(f"{mode} {count}" for mode, count in pairs_by_mode.items())
    rows = [
        f"| {label} | " + " | ".join(_cell(metrics, f"{figure}{suffix}") for figure in _FIGURES) + " |"
        for label, suffix in [("all", ""), *((mode.value, f"/{mode}") for mode in FailureMode)]
        if f"reward_accuracy{suffix}" in metrics
    ]
    settings = "\n".join(f"| {key} | {value} |" for key, value in config.model_dump(mode="json").items())
    what = _OBJECTIVES[config.objective]
    return f"""---
base_model: {name}
library_name: peft
pipeline_tag: video-text-to-text
tags: [lora, {config.objective}, video, videopasta-assets]
---

# LoRA adapter of {name}

Trained by {what} on {sum(pairs_by_mode.values())} verified pairs ({modes}) in {steps} optimizer steps.
Only language-model projections were adapted; the vision tower is untouched.

- preference set: `{preference_set}`
- base model: `{name}`, files `{digest}`
- run: `{run_id}`

## Rewards after training

On {scored} of the training pairs (not held out): beta times the log-ratio to the base model.

| pairs | accuracy | chosen | rejected | margin |
|---|---|---|---|---|
{chr(10).join(rows)}

## Settings

VideoPASTA publishes one epoch, LoRA and at most 32 frames; every other value is this project's choice.

| setting | value |
|---|---|
{settings}
"""


def _cell(metrics: Mapping[str, float], name: str) -> str:
    return f"{metrics[name]:.3f}" if name in metrics else ""
