"""An engine that knows each scene and answers by rule: what the oracle says of such answers is known beforehand."""

import json
import random
from collections.abc import Iterable, Iterator, Mapping

from tests.fakes.counting_engine import OneEngine
from videopasta_assets.engines import FinishReason, Reply, Request
from videopasta_assets.oracle.truth import match_question
from videopasta_assets.taxonomy import MODES
from videopasta_assets.toyworld.claims import answer_text
from videopasta_assets.toyworld.contrast import contradicted_modes, salient_mode
from videopasta_assets.toyworld.falsify import falsify
from videopasta_assets.toyworld.questions import sample_question, true_answer
from videopasta_assets.toyworld.scene import Scene


class ToyworldEngine:
    """Truthful when asked for the truth, false in the asked way when asked for an error; a perfect verifier and judge.

    Args:
        scenes: the scene of each video.
        lies: aligned answers to questions of this category are false in their own mode.
    """

    def __init__(self, scenes: Mapping[str, Scene], lies: str | None = None) -> None:
        self._scenes = scenes
        self._lies = lies

    @property
    def model_id(self) -> str:
        return "toyworld@1"

    def generate(self, requests: Iterable[Request]) -> Iterator[Reply]:
        for request in requests:
            yield Reply(request.request_id, self._answer(request), FinishReason.STOP, 10, 5, 0.001)

    def close(self) -> None:
        """Nothing is held."""

    def _answer(self, request: Request) -> str:
        task, *rest = request.prompt.template.split("/")
        lines = request.prompt.text.splitlines()
        if task in ("verify", "judge_mode"):
            aligned, adversary = (next(x[3:] for x in lines if x.startswith(f"{side}: ")) for side in "AB")
            modes = contradicted_modes(aligned, adversary) or frozenset()
            if task == "judge_mode":
                return str(salient_mode(adversary, modes) or "none")
            intended = next(mode for mode in MODES if mode.replace("_", "-") in lines[0])
            found = {"preferred_ok": True, "is_contradiction": bool(modes), "is_rephrase": not modes}
            return json.dumps({**found, "mode_specific": intended in modes, "reason": "by rule"})
        assert request.clip is not None
        scene = self._scenes[request.clip.video_id]
        rng = random.Random(request.request_id)
        if task == "query":
            category = lines[0].partition(", ")[2].strip(".").replace(" ", "_")
            question = sample_question(scene, category, rng) or sample_question(scene, "setting_change", rng)
            assert question is not None
            return question.text
        question = next(q for line in lines for q in [match_question(scene, line)] if q is not None)
        if task == "aligned":
            if question.category == self._lies:
                return answer_text(falsify(scene, question, "mirrored_relation", rng))
            return answer_text(true_answer(scene, question))
        return answer_text(falsify(scene, question, rest[1], rng))


def one(scenes: Mapping[str, Scene], lies: str | None = None) -> OneEngine:
    """The engine for every role."""
    return OneEngine(ToyworldEngine(scenes, lies))
