import pytest

from videopasta_assets.taxonomy import STRATEGIES
from videopasta_assets.toyworld.facts import holds
from videopasta_assets.toyworld.falsify import falsify, strategy_mode, wrong_claims
from videopasta_assets.toyworld.questions import MODE_OF, sample_question, true_answer

ALL = [strategy for names in STRATEGIES.values() for strategy in names]


@pytest.mark.parametrize("strategy", ALL)
def test_a_strategy_breaks_its_mode_and_no_other(strategy: str, many_scenes: list) -> None:
    mode = strategy_mode(strategy)
    for scene, rng in many_scenes[:25]:
        for category in MODE_OF:
            question = sample_question(scene, category, rng)
            if question is None:
                continue
            answer = falsify(scene, question, strategy, rng)
            false = {s.core.mode for s in answer if not all(holds(claim, scene) for claim in s.claims)}
            assert false == {mode}
            assert [s.core.mode for s in answer] == [s.core.mode for s in true_answer(scene, question)]


def test_wrong_claims_are_wrong_and_distinct(many_scenes: list) -> None:
    for scene, rng in many_scenes:
        for category in MODE_OF:
            question = sample_question(scene, category, rng)
            if question is not None:
                wrong = wrong_claims(scene, question.answer, rng)
                assert wrong
                assert len(set(wrong)) == len(wrong)
                assert not any(holds(claim, scene) for claim in wrong)
