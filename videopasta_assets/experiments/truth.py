"""The experiment `truth`: does DPO on verified pairs make the model better, and what is verification worth?

Every arm has the same base model, the same number of pairs and steps; they differ in which pairs, and in the
objective. The toy world knows the truth, so the page can say beside each arm how good its pairs really were.
"""

from dataclasses import dataclass
from typing import Any, Final

from videopasta_assets.config.settings import AlignedCheckSettings
from videopasta_assets.taxonomy import MODES

BENCHMARK: Final = "toyworld"


@dataclass(frozen=True)
class Arm:
    """One way to train; `settings` are keys of an experiment in videopasta.yaml."""

    name: str
    meaning: str
    settings: dict[str, Any]


ARMS: Final = (
    Arm("sft", "supervised fine-tuning on the aligned responses", {"training": {"objective": "sft"}}),
    Arm("dpo_unfiltered", "DPO on first attempts, whatever the verifier said", {"pairs": "unfiltered"}),
    Arm("dpo_verified", "DPO on verified pairs (the recipe)", {}),
    *(Arm(f"dpo_{mode}", f"DPO on verified pairs of mode {mode} alone", {"modes": [mode.value]}) for mode in MODES),
)


def experiment_name(arm: Arm, seed: int) -> str:
    """Name of one training run, a partition key."""
    return f"{arm.name}_seed{seed}"


def experiments(seeds: int, pairs: int, training: dict[str, Any]) -> list[dict[str, Any]]:
    """Lines of `experiments:` for all arms and seeds, each with the same budget.

    Args:
        seeds: runs of each arm.
        pairs: pairs that each run trains on; every arm draws that many.
        training: settings that all arms share.
    """
    return [
        {
            "name": experiment_name(arm, seed),
            "seed": seed,
            "max_pairs": pairs,
            **arm.settings,
            "training": {**training, **arm.settings.get("training", {})},
        }
        for arm in ARMS
        for seed in range(seeds)
    ]


def project_settings(
    preset: dict[str, Any],
    *,
    seeds: int,
    pairs: int,
    training: dict[str, Any],
    check: AlignedCheckSettings,
) -> dict[str, Any]:
    """Contents of videopasta.yaml: the preset with the experiment's lines and its check of aligned responses."""
    shared = {**preset["experiments"][0].get("training", {}), **training}
    return {
        **preset,
        "experiments": experiments(seeds, pairs, shared),
        "recipe": {**preset.get("recipe", {}), "aligned_check": check.model_dump(mode="json")},
    }
