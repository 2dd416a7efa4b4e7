from collections import Counter

from videopasta_assets.taxonomy import CATEGORIES, MODES
from videopasta_assets.toyworld.facts import holds
from videopasta_assets.toyworld.questions import MODE_OF, candidates, sample_question, true_answer


def test_every_category_can_be_asked(many_scenes: list) -> None:
    asked = Counter(c for scene, _ in many_scenes for c in MODE_OF if candidates(scene, c))
    assert set(asked) == {name for names in CATEGORIES.values() for name in names}
    assert min(asked.values()) > len(many_scenes) / 2


def test_true_answers_are_true_in_each_mode(many_scenes: list) -> None:
    for scene, rng in many_scenes:
        for category in MODE_OF:
            question = sample_question(scene, category, rng)
            if question is not None:
                answer = true_answer(scene, question)
                assert answer[0].core.mode is question.mode is MODE_OF[category]
                assert {sentence.core.mode for sentence in answer} == set(MODES)
                assert all(holds(claim, scene) for sentence in answer for claim in sentence.claims)


def test_each_category_has_more_than_one_answer(many_scenes: list) -> None:
    for category in MODE_OF:
        assert len({label for scene, _ in many_scenes for label, _ in candidates(scene, category)}) > 1
