"""When a run is given up."""

import math

import pytest

from videopasta_assets.config.training import EarlyStopSettings
from videopasta_assets.training.early_stop import DivergenceWatch, TrainingDivergedError


def record(step: int, margin: float = 0.5, chosen: float = 0.2) -> dict[str, float]:
    return {"step": step, "loss": 0.5, "rewards/margins": margin, "rewards/chosen": chosen}


def test_one_bad_record_is_noise() -> None:
    watch = DivergenceWatch(EarlyStopSettings(patience=3))
    for step in range(10):
        watch.see(record(step, margin=-5 if step % 3 else 0.5))
        assert watch.is_healthy == (step % 3 == 0)


@pytest.mark.parametrize(
    ("bad", "sentence"),
    [
        ({"margin": -1.5}, "by step 3: the mean margin is -1.50, the model prefers the rejected"),
        ({"chosen": -12.0}, "by step 3: the mean reward of the chosen is -12.00, they become unlikely"),
    ],
)
def test_a_collapse_ends_the_run(bad: dict[str, float], sentence: str) -> None:
    watch = DivergenceWatch(EarlyStopSettings(patience=3))
    watch.see(record(0))
    watch.see(record(1, **bad))
    watch.see(record(2, **bad))
    with pytest.raises(TrainingDivergedError, match=sentence):
        watch.see(record(3, **bad))


def test_patience_zero_is_for_ever_and_objectives_without_rewards_are_left_alone() -> None:
    watch = DivergenceWatch(EarlyStopSettings(patience=0))
    for step in range(20):
        watch.see(record(step, margin=-9))
    watch = DivergenceWatch(EarlyStopSettings(patience=1))
    watch.see({"step": 1, "loss": 0.4})
    watch.see({"step": 2, "loss": 0.4, "rewards/margins": math.nan})
    assert watch.is_healthy
