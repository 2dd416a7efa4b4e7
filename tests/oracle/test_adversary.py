import random

from videopasta_assets.oracle.adversary import judge_adversary, judge_pair
from videopasta_assets.taxonomy import MODES, STRATEGIES
from videopasta_assets.toyworld.claims import answer_text
from videopasta_assets.toyworld.falsify import falsify
from videopasta_assets.toyworld.questions import sample_question, true_answer
from videopasta_assets.toyworld.scene import Scene

Scenes = list[tuple[Scene, random.Random]]


def test_an_adversary_of_each_mode_makes_a_good_pair_with_the_truth(many_scenes: Scenes) -> None:
    scene, rng = many_scenes[3]
    question = sample_question(scene, "setting_change", rng)
    assert question is not None
    chosen = answer_text(true_answer(scene, question))
    for mode in MODES:
        rejected = answer_text(falsify(scene, question, STRATEGIES[mode][0], rng))
        judged = judge_adversary(scene, question.text, rejected, mode)
        assert judged.on_target and judged.only_target
        assert judge_pair(scene, question.text, chosen, rejected, mode).good
        others = [other for other in MODES if other is not mode]
        assert not any(judge_adversary(scene, question.text, rejected, other).on_target for other in others)


def test_equal_answers_and_false_chosen_ones_make_no_good_pair(many_scenes: Scenes) -> None:
    scene, rng = many_scenes[4]
    question = sample_question(scene, "setting_change", rng)
    assert question is not None
    chosen = answer_text(true_answer(scene, question))
    false = answer_text(falsify(scene, question, "nothing_changed", rng))
    assert not judge_pair(scene, question.text, chosen, chosen, "cross_frame").good
    assert not judge_pair(scene, question.text, false, false, "cross_frame").good
