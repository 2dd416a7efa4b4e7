import random

import pytest

from videopasta_assets.oracle.verifier import Attempt, confusion, expected_status, score_by_text, score_by_truth
from videopasta_assets.taxonomy import FailureMode, VerdictStatus
from videopasta_assets.toyworld.claims import answer_text
from videopasta_assets.toyworld.falsify import falsify
from videopasta_assets.toyworld.questions import Question, sample_question, true_answer
from videopasta_assets.toyworld.scene import Scene

Case = tuple[Scene, Question, str, str]


@pytest.fixture
def case(many_scenes: list[tuple[Scene, random.Random]]) -> Case:
    scene, rng = many_scenes[2]
    question = sample_question(scene, "foreground_background", rng)
    assert question is not None
    false = answer_text(falsify(scene, question, "mirrored_relation", rng))
    return scene, question, answer_text(true_answer(scene, question)), false


def test_what_a_perfect_reader_would_say(case: Case) -> None:
    scene, question, true, false = case
    spatial, temporal = FailureMode.SPATIAL, FailureMode.TEMPORAL
    assert expected_status(scene, question.text, true, false, spatial) is VerdictStatus.ACCEPTED
    assert expected_status(scene, question.text, true, false, temporal) is VerdictStatus.REJECTED_OFF_MODE
    assert expected_status(scene, question.text, true, true, spatial) is VerdictStatus.REJECTED_SIMILAR
    assert expected_status(scene, question.text, true, "No idea.", spatial) is VerdictStatus.REJECTED_NO_CONTRADICTION
    assert expected_status(scene, question.text, "No idea.", false, spatial) is VerdictStatus.REJECTED_PREFERRED


def test_precision_and_recall(case: Case) -> None:
    scene, question, true, false = case
    accepted, rejected = VerdictStatus.ACCEPTED, VerdictStatus.REJECTED_SIMILAR
    spatial = FailureMode.SPATIAL
    attempts = [
        Attempt(scene, question.text, true, false, spatial, accepted),
        Attempt(scene, question.text, true, false, spatial, rejected),
        Attempt(scene, question.text, true, true, spatial, accepted),
        Attempt(scene, question.text, false, true, spatial, accepted),
    ]
    text, truth = score_by_text(attempts), score_by_truth(attempts)
    assert (text.precision, text.recall) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert (truth.precision, truth.recall) == (pytest.approx(1 / 3), 0.5)
    assert confusion(attempts)[accepted, rejected] == 1


def test_nothing_accepted_has_no_precision(case: Case) -> None:
    scene, question, true, false = case
    score = score_by_text(
        [Attempt(scene, question.text, true, false, FailureMode.SPATIAL, VerdictStatus.REJECTED_PARSE)]
    )
    assert score.precision is None
    assert score.recall == 0.0
