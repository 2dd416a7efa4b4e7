"""The experiment `truth`: does DPO on verified pairs make the model better, and what is verification worth?

Every arm has the same base model, the same number of pairs and steps; they differ in which pairs, and in the
objective. The toy world knows the truth, so the page can say beside each arm how good its pairs really were.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from videopasta_assets.errors import UserError
from videopasta_assets.taxonomy import MODES
from videopasta_assets.toyworld.benchmark import ROBUSTNESS_FILE
from videopasta_assets.toyworld.splits import SPLITS

HELD_OUT: Final = ("benchmark", "validation")
"""Splits that an experiment may be scored on: settings are chosen on `validation`, results are of `benchmark`."""


@dataclass(frozen=True)
class Arm:
    """One way to train; `settings` are keys of an experiment in videopasta.yaml."""

    name: str
    meaning: str
    settings: dict[str, Any]


ARMS: Final = (
    Arm(
        "sft", "supervised fine-tuning on the aligned responses", {"training": {"objective": "sft", "sft_weight": 0.0}}
    ),
    Arm("dpo_unfiltered", "DPO on first attempts, whatever the verifier said", {"pairs": "unfiltered"}),
    Arm("dpo_verified", "DPO on verified pairs (the recipe)", {}),
    *(Arm(f"dpo_{mode}", f"DPO on verified pairs of mode {mode} alone", {"modes": [mode.value]}) for mode in MODES),
    Arm("dpo_balanced", "DPO on verified pairs whose words do not tell which is chosen", {"balance": "words"}),
    Arm("dpo_on_policy", "DPO against the model's own samples that disagree", {"pairs": "on_policy"}),
)


@dataclass(frozen=True)
class Design:
    """What an experiment does, beside how many seeds.

    Attributes:
        arms: names of the arms.
        seeds: runs of each arm.
        pairs: pairs that each run trains on; every arm draws that many.
        split: whose videos it is scored on.
        scoring: how answers to plain items are read; refusals are always generated.
        training: settings that all arms share.
        recipe: settings of the recipe, such as its check of aligned responses and its attempts.
        frames: how many frames are dense, sparse and, where training and scoring see others than dense, the policy's.
    """

    arms: tuple[str, ...]
    seeds: int
    pairs: int
    split: str = "benchmark"
    scoring: str = "generate"
    training: dict[str, Any] = field(default_factory=dict)
    recipe: dict[str, Any] = field(default_factory=dict)
    frames: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        known = [arm.name for arm in ARMS]
        for name in self.arms:
            if name not in known:
                raise UserError(f"no arm is named {name!r}", where="--arms", fix=f"There are: {', '.join(known)}.")
        if self.split not in HELD_OUT or self.split not in SPLITS:
            raise UserError(f"split {self.split!r} is not held out", fix=f"Use one of: {', '.join(HELD_OUT)}.")

    @staticmethod
    def has_one_mode(arm: str) -> bool:
        """The arm trains on the pairs of one mode alone."""
        return "modes" in arm_named(arm).settings

    @property
    def robustness(self) -> str:
        """Name of the benchmark of refusals."""
        return f"{self.split}-robustness"


def arm_named(name: str) -> Arm:
    """The arm of that name."""
    return next(arm for arm in ARMS if arm.name == name)


def experiment_name(arm: Arm, seed: int) -> str:
    """Name of one training run, a partition key."""
    return f"{arm.name}_seed{seed}"


def experiments(arms: Sequence[Arm], seeds: int, pairs: int, training: dict[str, Any]) -> list[dict[str, Any]]:
    """Lines of `experiments:` for the arms and seeds, each with the same budget."""
    return [
        {
            "name": experiment_name(arm, seed),
            "seed": seed,
            "max_pairs": pairs,
            **arm.settings,
            "training": {**training, **arm.settings.get("training", {})},
        }
        for arm in arms
        for seed in range(seeds)
    ]


def project_settings(preset: dict[str, Any], design: Design) -> dict[str, Any]:
    """Contents of videopasta.yaml: the preset with the design's lines, frames, recipe and benchmarks."""
    shared = {**preset["experiments"][0].get("training", {}), **design.training}
    frames = {
        role: {**preset["frames"].get(role, preset["frames"]["dense"]), "value": count, "max_frames": count}
        for role, count in design.frames.items()
    }
    folder = Path(design.split)
    return {
        **preset,
        "frames": {**preset["frames"], **frames},
        "experiments": experiments([arm_named(name) for name in design.arms], design.seeds, design.pairs, shared),
        "recipe": {**preset.get("recipe", {}), **design.recipe},
        "evaluation": {
            **preset["evaluation"],
            "benchmarks": [
                {"name": design.split, "items": str(folder / "benchmark.jsonl"), "scoring": design.scoring},
                {"name": design.robustness, "items": str(folder / ROBUSTNESS_FILE)},
            ],
        },
    }
