"""The design of the experiment: equal budgets, scored on splits that nothing was trained on."""

import pytest
import yaml

from videopasta_assets.config.presets import preset_text
from videopasta_assets.config.settings import ProjectSettings
from videopasta_assets.errors import UserError
from videopasta_assets.experiments.truth import ARMS, Design, experiments, project_settings

ALL = tuple(arm.name for arm in ARMS)


def test_every_arm_has_the_same_budget() -> None:
    lines = experiments(ARMS, seeds=3, pairs=100, training={"learning_rate": 1e-4})
    assert len(lines) == 3 * len(ARMS) == len({line["name"] for line in lines})
    assert {line["max_pairs"] for line in lines} == {100}
    assert {line["training"]["learning_rate"] for line in lines} == {1e-4}


def test_the_settings_are_valid_and_say_what_was_asked_for() -> None:
    design = Design(
        ALL,
        seeds=2,
        pairs=10,
        split="validation",
        scoring="likelihood",
        training={"beta": 0.3},
        recipe={"max_attempts": 3},
        frames={"dense": 8, "sparse": 2},
    )
    settings = ProjectSettings.model_validate(project_settings(yaml.safe_load(preset_text("embedded")), design))
    assert len(settings.experiments) == 2 * len(ALL)
    assert all(line.training.beta == 0.3 for line in settings.experiments)
    assert {line.pairs for line in settings.experiments} == {"verified", "unfiltered", "on_policy"}
    assert (settings.frames.dense.value, settings.frames.sparse.max_frames) == (8, 2)
    plain, refusals = settings.evaluation.benchmarks
    assert (plain.name, plain.scoring) == ("validation", "likelihood")
    assert (refusals.name, refusals.scoring) == (design.robustness, "generate")


def test_mistakes_are_one_sentence() -> None:
    with pytest.raises(UserError, match="no arm is named 'dpo'"):
        Design(("dpo",), seeds=1, pairs=1)
    with pytest.raises(UserError, match="not held out"):
        Design(ALL, seeds=1, pairs=1, split="pairs")
