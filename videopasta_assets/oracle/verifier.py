"""How far the verifier can be trusted.

Two yardsticks. By *text*: does the adversary contradict the aligned answer in the targeted mode, read claim by claim?
That is all that a text-only verifier can see. By *truth*: is the aligned answer true of the video and the adversary
false in its mode? The gap between the two is what reading alone cannot know.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from videopasta_assets.oracle.adversary import judge_pair
from videopasta_assets.oracle.truth import match_question
from videopasta_assets.taxonomy import FailureMode, VerdictStatus
from videopasta_assets.toyworld.claims import parse_answer
from videopasta_assets.toyworld.contrast import contradicted_modes, same_topic
from videopasta_assets.toyworld.scene import Scene


@dataclass(frozen=True)
class Attempt:
    """One judged attempt and the verdict that it got."""

    scene: Scene
    query: str
    aligned: str
    adversary: str
    mode: FailureMode
    status: VerdictStatus


@dataclass(frozen=True)
class VerifierScore:
    """Precision and recall of acceptance; None where nothing was accepted, or nothing should have been."""

    attempts: int
    accepted: int
    deserving: int
    precision: float | None
    recall: float | None


def expected_status(scene: Scene, query: str, aligned: str, adversary: str, mode: FailureMode) -> VerdictStatus:
    """The status that a perfect reader of the texts would give."""
    question = match_question(scene, query)
    sentences = parse_answer(aligned)
    first = sentences[0] if sentences else None
    sound = question is not None and first is not None and same_topic(question.answer, first.core)
    if not sound or any(sentence is None for sentence in sentences):
        return VerdictStatus.REJECTED_PREFERRED
    modes = contradicted_modes(aligned, adversary)
    if modes is None:
        return VerdictStatus.REJECTED_NO_CONTRADICTION
    if not modes:
        return VerdictStatus.REJECTED_SIMILAR
    return VerdictStatus.ACCEPTED if mode in modes else VerdictStatus.REJECTED_OFF_MODE


def score_by_text(attempts: Iterable[Attempt]) -> VerifierScore:
    return _score(
        [
            (
                a.status is VerdictStatus.ACCEPTED,
                expected_status(a.scene, a.query, a.aligned, a.adversary, a.mode) is VerdictStatus.ACCEPTED,
            )
            for a in attempts
        ]
    )


def score_by_truth(attempts: Iterable[Attempt]) -> VerifierScore:
    return _score(
        [
            (a.status is VerdictStatus.ACCEPTED, judge_pair(a.scene, a.query, a.aligned, a.adversary, a.mode).good)
            for a in attempts
        ]
    )


def confusion(attempts: Iterable[Attempt]) -> Counter[tuple[VerdictStatus, VerdictStatus]]:
    """Counts by (expected status, given status)."""
    return Counter((expected_status(a.scene, a.query, a.aligned, a.adversary, a.mode), a.status) for a in attempts)


def _score(outcomes: list[tuple[bool, bool]]) -> VerifierScore:
    accepted = sum(given for given, _ in outcomes)
    deserving = sum(wanted for _, wanted in outcomes)
    both = sum(given and wanted for given, wanted in outcomes)
    return VerifierScore(
        attempts=len(outcomes),
        accepted=accepted,
        deserving=deserving,
        precision=both / accepted if accepted else None,
        recall=both / deserving if deserving else None,
    )
