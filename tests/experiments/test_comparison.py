"""Arms against the base: what the intervals must do."""

from pathlib import Path

import numpy as np
import pytest

from videopasta_assets.experiments import comparison
from videopasta_assets.experiments.truth import ARMS, experiment_name
from videopasta_assets.lake import TABLES, Address, Lake, connect
from videopasta_assets.taxonomy import MODES

SEEDS = 2
BENCHMARK = "benchmark"
NAMES = [arm.name for arm in ARMS]
ANSWERS = TABLES["benchmark_answers"]


def write_answers(lake: Lake, model: str, correct: dict[str, bool]) -> None:
    rows = [
        ANSWERS.versioned(
            {
                "row_key": item,
                "provenance": "p",
                "experiment": model,
                "benchmark": BENCHMARK,
                "item_id": item,
                "mode": MODES[int(item.split("-")[1]) % 3].value,
                "video_id": item.split("-")[0],
                "correct": right,
            }
        )
        for item, right in correct.items()
    ]
    lake.write(Address("benchmark_answers", "videopasta", f"{model}__{BENCHMARK}"), rows, {})


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    made = Lake(tmp_path)
    items = [f"v{video}-{number}" for video in range(20) for number in range(6)]
    write_answers(made, "base", {item: number % 2 == 0 for number, item in enumerate(items)})
    for arm in ARMS:
        for seed in range(SEEDS):
            better = arm.name == "dpo_verified"
            write_answers(
                made,
                experiment_name(arm, seed),
                {item: number % 2 == 0 or (better and number % 4 == 1) for number, item in enumerate(items)},
            )
    return made


def test_a_better_arm_is_significant_and_an_equal_one_is_not(lake: Lake) -> None:
    answers = comparison.load_answers(connect(lake), BENCHMARK, NAMES, SEEDS)
    found = {(effect.arm, effect.scope): effect for effect in comparison.effects(answers, samples=300)}
    best, same = found["dpo_verified", "all"], found["sft", "all"]
    assert (best.base, best.tuned, best.items, best.seeds) == (0.5, 0.75, 120, SEEDS)
    assert best.difference == pytest.approx(0.25) and best.low > 0 and best.significant
    assert (same.difference, same.low, same.high, same.significant) == (0, 0, 0, False)
    against = {effect.scope: effect for effect in comparison.between(answers, "dpo_verified", "sft", samples=300)}
    assert against.keys() == {*(mode.value for mode in MODES), "all"}
    assert against["all"].low <= against["all"].difference <= against["all"].high
    assert (against["all"].base, against["all"].difference) == (0.5, pytest.approx(0.25))
    assert comparison.between(answers, "dpo_verified", "no such arm") == []


def test_an_arm_without_all_its_seeds_is_left_out(lake: Lake) -> None:
    lake.remove(Address("benchmark_answers", "videopasta", f"sft_seed1__{BENCHMARK}"))
    assert "sft" not in comparison.load_answers(connect(lake), BENCHMARK, NAMES, SEEDS).arms


def test_an_interval_holds_the_mean_and_narrows_with_videos() -> None:
    rng = np.random.default_rng(0)

    def width(videos: int) -> float:
        gain = rng.choice([-1.0, 0.0, 1.0], size=(3, videos * 4), p=[0.2, 0.5, 0.3])
        low, high = comparison.interval(gain, np.repeat(np.arange(videos), 4), samples=500, seed=1)
        assert low <= gain.mean() <= high
        return high - low

    assert width(200) < width(12)


def test_refusals_are_compared_by_kind(lake: Lake) -> None:
    answers = comparison.load_answers(connect(lake), BENCHMARK, NAMES, SEEDS, by="kind")
    assert answers.scopes == ("question", "all")
