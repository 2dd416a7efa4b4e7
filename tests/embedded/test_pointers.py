import random

import numpy as np

from videopasta_assets.embedded.pointers import pointers
from videopasta_assets.toyworld.claims import Sentence, claim
from videopasta_assets.toyworld.facts import seconds
from videopasta_assets.toyworld.render import cell_labels, midpoints
from videopasta_assets.toyworld.scene import Scene
from videopasta_assets.toyworld.splits import split_scene


def seen(scene: Scene, text: str) -> tuple[np.ndarray | None, ...]:
    return pointers(scene, text, cell_labels(scene, midpoints(scene.duration, 16)))


def test_a_stated_flash_points_at_the_cells_that_flash_then() -> None:
    for seed in range(20):
        scene = split_scene("validation", random.Random(seed))
        for thing in scene.things:
            true = Sentence(claim("flashes", x=thing.name, s=seconds(thing.flash))).text
            (mask,) = seen(scene, true)
            assert mask is not None
            steps = {index // 9 for index in np.flatnonzero(mask)}
            assert steps <= {int(thing.flash / scene.slot), int(thing.flash / scene.slot) + 1}


def test_false_or_foreign_text_points_nowhere() -> None:
    scene = split_scene("validation", random.Random(0))
    thing = scene.things[0]
    far = (seconds(thing.flash) + 10) % 21
    assert seen(scene, f"The {thing.name} flashes at {far} s.") == (None,)
    assert seen(scene, "At 3 s: nothing.") == ()
