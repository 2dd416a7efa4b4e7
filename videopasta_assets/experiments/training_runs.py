"""What the training runs of an experiment were: their budgets, how they ended, and their curves."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from videopasta_assets.experiments.truth import arm_named, experiment_name
from videopasta_assets.stages.project import Project, good_rows
from videopasta_assets.training.result import read_log

CURVES: Final = {"rewards/accuracies": "reward accuracy", "rewards/margins": "reward margin"}


@dataclass(frozen=True)
class Budget:
    """One arm's runs: pairs and optimizer steps (of its smallest run), final reward accuracy and seconds (means)."""

    arm: str
    seeds: int
    pairs: int
    steps: int
    reward_accuracy: float | None
    seconds: float


Curve = Sequence[tuple[int, float]]
"""(optimizer step, value)."""


def budgets(project: Project, arms: Sequence[str], seeds: int) -> list[Budget]:
    """The arms that were trained, in order."""
    found = []
    for arm in arms:
        rows = [
            row
            for seed in range(seeds)
            for row in good_rows(project, "lora_checkpoint", experiment_name(arm_named(arm), seed))
        ]
        if rows:
            rewarded = [row["reward_accuracy"] for row in rows if row["reward_accuracy"] is not None]
            found.append(
                Budget(
                    arm,
                    len(rows),
                    min(row["pairs"] for row in rows),
                    min(row["steps"] for row in rows),
                    float(np.mean(rewarded)) if rewarded else None,
                    float(np.mean([row["seconds"] for row in rows])),
                )
            )
    return found


def curves(project: Project, arms: Sequence[str], seeds: int) -> Mapping[str, Mapping[str, Curve]]:
    """Mean over seeds of each metric of `CURVES` at each logged step, by metric and arm."""
    found: dict[str, dict[str, Curve]] = {metric: {} for metric in CURVES}
    for arm in arms:
        values: dict[str, dict[int, list[float]]] = {metric: defaultdict(list) for metric in CURVES}
        for seed in range(seeds):
            for row in good_rows(project, "lora_checkpoint", experiment_name(arm_named(arm), seed)):
                for step in read_log(
                    project.lake.local_folder(str(Path(row["adapter"]).parent)) / "training_log.jsonl"
                ):
                    for metric in CURVES.keys() & step.keys():
                        values[metric][int(step["step"])].append(float(step[metric]))
        for metric, steps in values.items():
            if steps:
                found[metric][arm] = [(step, float(np.mean(steps[step]))) for step in sorted(steps)]
    return found
