import random
from pathlib import Path

from videopasta_assets.oracle.truth import SceneLibrary, Truth, judge_answer, match_question
from videopasta_assets.taxonomy import STRATEGIES
from videopasta_assets.toyworld.claims import answer_text
from videopasta_assets.toyworld.falsify import falsify
from videopasta_assets.toyworld.folder import video_id, write_folder
from videopasta_assets.toyworld.questions import MODE_OF, sample_question, true_answer
from videopasta_assets.toyworld.scene import Scene

Scenes = list[tuple[Scene, random.Random]]


def test_true_answers_are_judged_true(many_scenes: Scenes) -> None:
    for scene, rng in many_scenes:
        for category in MODE_OF:
            question = sample_question(scene, category, rng)
            if question is not None:
                judged = judge_answer(scene, question.text, answer_text(true_answer(scene, question)))
                assert judged.truth is judged.main is Truth.TRUE
                assert judged.answers
                assert not judged.broken


def test_falsified_answers_break_exactly_their_mode(many_scenes: Scenes) -> None:
    for scene, rng in many_scenes[:10]:
        for mode, strategies in STRATEGIES.items():
            for strategy in strategies:
                question = sample_question(scene, rng.choice(list(MODE_OF)), rng)
                if question is not None:
                    judged = judge_answer(scene, question.text, answer_text(falsify(scene, question, strategy, rng)))
                    assert judged.truth is Truth.FALSE
                    assert judged.broken == {mode}
                    assert judged.answers


def test_foreign_text_is_unknown_and_counted(many_scenes: Scenes) -> None:
    scene, _ = many_scenes[0]
    judged = judge_answer(scene, "What is this?", "A lovely afternoon. Nothing to add.")
    assert judged.truth is Truth.UNKNOWN
    assert judged.unparsed == 2
    assert not judged.answers
    assert judge_answer(scene, "What is this?", "").truth is Truth.UNKNOWN


def test_an_answer_to_another_question_is_true_but_no_answer(many_scenes: Scenes) -> None:
    scene, rng = many_scenes[1]
    asked = sample_question(scene, "setting_change", rng)
    other = sample_question(scene, "foreground_background", rng)
    assert asked is not None
    assert other is not None
    judged = judge_answer(scene, asked.text, answer_text(true_answer(scene, other)))
    assert judged.truth is Truth.TRUE
    assert not judged.answers


def test_questions_about_absent_things_do_not_fit(many_scenes: Scenes) -> None:
    scene, _ = many_scenes[0]
    assert match_question(scene, "How does the setting change?") is not None
    assert match_question(scene, "How does the setting change?", mode="spatial") is None
    assert match_question(scene, "Is the white star hidden at the start?") is None


def test_the_library_reads_scenes_by_video(tmp_path: Path) -> None:
    path = write_folder(tmp_path / "videos", tmp_path / "truth", 1, 0, "pairs")[0]
    library = SceneLibrary(tmp_path / "truth")
    assert library[video_id(path)] is not None
    assert library["0" * 64] is None
