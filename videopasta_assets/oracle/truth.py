"""Whether a generated text is true of the toyworld video that it speaks of."""

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Final

from videopasta_assets.errors import UserError
from videopasta_assets.stages.project import Project
from videopasta_assets.taxonomy import FailureMode
from videopasta_assets.toyworld.claims import parse_answer
from videopasta_assets.toyworld.contrast import same_topic
from videopasta_assets.toyworld.facts import holds
from videopasta_assets.toyworld.folder import read_truth
from videopasta_assets.toyworld.questions import MODE_OF, Question, candidates
from videopasta_assets.toyworld.scene import Scene


class Truth(StrEnum):
    """What the oracle can say of a text."""

    TRUE = "true"
    FALSE = "false"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Judgement:
    """The truth of an answer.

    Attributes:
        truth: FALSE if any claim is false; UNKNOWN if none is but a sentence is outside the grammar; else TRUE.
        main: the same for the first sentence alone, the one that answers the question.
        broken: modes with a false claim.
        answers: the first sentence answers this query, and the query fits the video.
        unparsed: sentences outside the grammar.
    """

    truth: Truth
    main: Truth
    broken: frozenset[FailureMode]
    answers: bool
    unparsed: int


class SceneLibrary:
    """The truth folder of a project, read by `video_id`."""

    def __init__(self, folder: Path) -> None:
        self._read = lru_cache(maxsize=4096)(lambda identifier: read_truth(folder, identifier))

    def __getitem__(self, video_id: str) -> Scene | None:
        """The scene, or None for a video that is not of toyworld."""
        return self._read(video_id)


UNKNOWN_VIDEO: Final = "no truth is known of this video"
"""Error of the oracle's rows about other videos than toyworld's."""


def known_scenes(project: Project) -> SceneLibrary:
    """The project's truth folder.

    Raises:
        UserError: the project names none.
    """
    folder = project.settings.oracle_truth
    if folder is None:
        raise UserError("the oracle has no truth", where="videopasta.yaml", fix="Set oracle_truth, or drop the asset.")
    return SceneLibrary(project.settings.path(folder))


def judge_answer(scene: Scene, query: str, text: str) -> Judgement:
    """Judge every claim of `text` against the scene, and whether it answers `query`."""
    sentences = parse_answer(text)
    broken = set()
    unparsed = 0
    main = Truth.UNKNOWN
    for index, sentence in enumerate(sentences):
        if sentence is None:
            unparsed += 1
            continue
        false = [claim for claim in sentence.claims if not holds(claim, scene)]
        broken |= {claim.mode for claim in false}
        if index == 0:
            main = Truth.FALSE if false else Truth.TRUE
    truth = Truth.FALSE if broken else Truth.UNKNOWN if unparsed or not sentences else Truth.TRUE
    question = match_question(scene, query)
    first = sentences[0] if sentences else None
    answers = question is not None and first is not None and same_topic(question.answer, first.core)
    return Judgement(truth, main, frozenset(broken), answers, unparsed)


def match_question(scene: Scene, query: str, mode: str | None = None, category: str | None = None) -> Question | None:
    """The scene's question with this text (of a mode and category, where given); None if it does not fit."""
    wanted = " ".join(query.split())
    for name, its_mode in MODE_OF.items():
        if (category is None or name == category) and (mode is None or its_mode == mode):
            for _, question in candidates(scene, name):
                if question.text == wanted:
                    return question
    return None
