"""Whether an adversary is false in the way that it was meant to be."""

from dataclasses import dataclass

from videopasta_assets.oracle.truth import Judgement, Truth, judge_answer
from videopasta_assets.taxonomy import FailureMode
from videopasta_assets.toyworld.scene import Scene


@dataclass(frozen=True)
class AdversaryJudgement:
    """An adversary against the scene: `on_target` is false in its mode; `only_target` is false in no other."""

    judgement: Judgement
    on_target: bool
    only_target: bool


@dataclass(frozen=True)
class PairJudgement:
    """A preference pair against the scene; `good` is what training wants: chosen true, rejected false on target."""

    aligned: Judgement
    adversary: AdversaryJudgement

    @property
    def good(self) -> bool:
        return self.aligned.truth is Truth.TRUE and self.adversary.on_target


def judge_adversary(scene: Scene, query: str, text: str, mode: FailureMode | str) -> AdversaryJudgement:
    """Judge an adversary whose target is `mode`."""
    judgement = judge_answer(scene, query, text)
    target = FailureMode(mode)
    return AdversaryJudgement(judgement, target in judgement.broken, judgement.broken == {target})


def judge_pair(scene: Scene, query: str, chosen: str, rejected: str, mode: FailureMode | str) -> PairJudgement:
    return PairJudgement(judge_answer(scene, query, chosen), judge_adversary(scene, query, rejected, mode))
