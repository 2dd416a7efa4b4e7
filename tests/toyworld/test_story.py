import random

import numpy as np

from videopasta_assets.toyworld.render import midpoints
from videopasta_assets.toyworld.scene import COLOURS
from videopasta_assets.toyworld.splits import split_scene
from videopasta_assets.toyworld.story import PER_COLOUR, STORY_LABELS, story_labels


def test_a_story_only_grows_and_ends_as_the_scene_does() -> None:
    for number in range(60):
        scene = split_scene("train", random.Random(number))
        labels = story_labels(scene, midpoints(scene.duration, 16))
        assert labels.shape == (8, STORY_LABELS)
        facts = labels[:, :-1].reshape(8, len(COLOURS), len(PER_COLOUR))
        kept = [PER_COLOUR.index(name) for name in PER_COLOUR if name not in ("now", "returned")]
        assert (np.diff(facts[..., kept], axis=0) >= 0).all()
        assert labels[-1, -1] == (scene.cut is not None)
        for thing in scene.things:
            last = dict(zip(PER_COLOUR, facts[-1, COLOURS.index(thing.colour)], strict=True))
            assert last["now"] == (thing.presence in ("throughout", "enters", "returns"))
            assert last["vanished"] == (thing.presence in ("leaves", "returns"))
            assert last["returned"] == (thing.presence == "returns")
            assert (last["moved"], last["moved_twice"]) == (len(thing.jumps) > 0, len(thing.jumps) > 1)
            assert last["touched"] == (thing.caused_by is not None)
        absent = [COLOURS.index(colour) for colour in COLOURS if scene.thing(colour) is None]
        assert not facts[:, absent, :-1].any()
