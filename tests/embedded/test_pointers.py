import random

import numpy as np

from videopasta_assets.embedded.pointers import Pointer, offset, pointers
from videopasta_assets.toyworld.claims import Sentence, claim
from videopasta_assets.toyworld.facts import seconds
from videopasta_assets.toyworld.questions import MODE_OF, candidates
from videopasta_assets.toyworld.render import COLOUR_LABELS, SETTING_LABELS, cell_labels, midpoints
from videopasta_assets.toyworld.scene import Scene
from videopasta_assets.toyworld.splits import split_scene


def labels(scene: Scene) -> np.ndarray:
    return cell_labels(scene, midpoints(scene.duration, 16))


def seen(scene: Scene, text: str) -> tuple[Pointer, ...]:
    return pointers(scene, text, labels(scene))


def test_a_stated_flash_points_at_the_cells_that_flash_then() -> None:
    for seed in range(20):
        scene = split_scene("validation", random.Random(seed))
        for thing in scene.things:
            true = Sentence(claim("flashes", x=thing.name, s=seconds(thing.flash))).text
            (pointer,) = seen(scene, true)
            assert true[pointer.start :].startswith(f"{seconds(thing.flash)} s")
            steps = {index // 9 for index in np.flatnonzero(pointer.mask)}
            assert steps <= {int(thing.flash / scene.slot), int(thing.flash / scene.slot) + 1}


def test_every_true_answer_points_at_tokens_at_the_start_of_words() -> None:
    pointed = set()
    for seed in range(60):
        scene = split_scene("validation", random.Random(seed))
        shown = labels(scene)
        for category in MODE_OF:
            for _, question in candidates(scene, category):
                text = f"The setting is night at the start and night at the end. {Sentence(question.answer).text}"
                for pointer in pointers(scene, text, shown):
                    assert pointer.mask.shape == (72,)
                    assert pointer.mask.any()
                    assert text[pointer.start - 1] == " " or text[pointer.start] == ","
                    pointed.add(question.answer.kind)
    assert {"hidden", "ground", "gone", "comes_back", "late", "jumps_once", "jumps_twice", "announced"} <= pointed


def test_places_point_at_the_thing_in_that_cell() -> None:
    for seed in range(20):
        scene = split_scene("validation", random.Random(seed))
        thing = scene.things[0]
        row, column = thing.start_place
        true = claim(
            "starts", x=thing.name, p=f"{('top', 'middle', 'bottom')[row]} {('left', 'center', 'right')[column]}"
        )
        (pointer,) = seen(scene, Sentence(true).text)
        assert pointer.start == offset(true, "p")
        assert {index % 9 for index in np.flatnonzero(pointer.mask)} == {row * 3 + column}


def test_false_or_foreign_text_points_nowhere() -> None:
    scene = split_scene("validation", random.Random(0))
    thing = scene.things[0]
    far = (seconds(thing.flash) + 10) % 21
    assert seen(scene, f"The {thing.name} flashes at {far} s.") == ()
    assert seen(scene, "At 3 s: nothing.") == ()


def test_labels_name_a_cell_once_for_each_of_its_things() -> None:
    scene = split_scene("validation", random.Random(3))
    shown = labels(scene)
    assert set(np.unique(shown)) <= {0.0, 1.0}
    assert (shown[..., SETTING_LABELS].sum(-1) >= 1).all()
    assert shown[0, ..., COLOUR_LABELS].sum() >= 1
