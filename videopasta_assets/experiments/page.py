"""From a project's lake to the page of the experiment `truth`."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from videopasta_assets.experiments import comparison, quality, training_runs
from videopasta_assets.experiments.history import Trial, remember
from videopasta_assets.experiments.report import Page
from videopasta_assets.experiments.truth import Design
from videopasta_assets.lake import connect
from videopasta_assets.oracle.blind import BlindScore, blind_scores, item_sets
from videopasta_assets.stages.project import Project

if TYPE_CHECKING:
    from videopasta_assets.experiments.comparison import Effect

RECIPE: Final = "dpo_verified"
_TEACHING_SCENES: Final = 300


def experiment_page(
    project: Project,
    design: Design,
    *,
    command: str,
    machine: str,
    options: dict[str, Any],
    blind: Sequence[BlindScore],
    seconds: float,
) -> Page:
    """Compare the arms and gather what the oracle knows; the trial is added to the folder's history.

    Args:
        project: where the experiment was run.
        design: what was run.
        command: the command that gives this page again.
        machine: where it was run, in words.
        options: settings, for the table of what was tried.
        blind: what a guesser gets on the same items that never looks.
        seconds: how long it took.
    """
    connection = connect(project.lake)
    answers = comparison.load_answers(connection, design.split, design.arms, design.seeds)
    refusals = comparison.load_answers(connection, design.robustness, design.arms, design.seeds, by="kind")
    effects = comparison.effects(answers)
    others = [arm for arm in design.arms if arm != RECIPE and not design.has_one_mode(arm)]
    return Page(
        title="Experiment truth: does the data teach?",
        command=command,
        machine=machine,
        model=project.model_id("responder"),
        split=design.split,
        effects=effects,
        against={other: found for other in others if (found := comparison.between(answers, RECIPE, other))},
        refusals=comparison.effects(refusals),
        blind=[(score.scope, score.items, score.accuracy) for score in blind],
        oracle={
            "Aligned responses, by the oracle": quality.answer_quality(connection),
            "Pairs, by the oracle": quality.pair_quality(connection),
            "How far the verifier can be trusted: by text, as a perfect reader; by truth, as the video": (
                quality.verifier_quality(connection)
            ),
            "Targeting: which mode a judge names that is not told": quality.targeting(connection),
            "Difficulty of verified pairs before training": quality.difficulty(connection),
        },
        budgets=training_runs.budgets(project, design.arms, design.seeds),
        curves=training_runs.curves(project, design.arms, design.seeds),
        trials=remember(project.settings.root, Trial(design.split, options, _overall(effects))),
        seconds=seconds,
    )


def _overall(effects: "Sequence[Effect]") -> dict[str, tuple[float, float, float]]:
    return {e.arm: (e.difference, e.low, e.high) for e in effects if e.scope == comparison.OVERALL}


def guesser(design: Design, videos: int, items: int) -> list[BlindScore]:
    """What a guesser gets on the design's held-out items, taught on items of the embedded model's training scenes."""
    teaching = item_sets("train", 1, _TEACHING_SCENES, items)
    return blind_scores(teaching, item_sets(design.split, 0, videos, items))
