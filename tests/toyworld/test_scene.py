import json
import random
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from videopasta_assets.toyworld.scene import Scene, sample_scene, scene_from_dict

seeds = st.integers(0, 2**32)


@given(seeds)
@settings(max_examples=60, deadline=None)
def test_a_seed_gives_one_scene(seed: int) -> None:
    first, second = sample_scene(random.Random(seed)), sample_scene(random.Random(seed))
    assert json.dumps(first.to_dict()) == json.dumps(second.to_dict())
    assert first.identity == second.identity


@given(seeds)
@settings(max_examples=60, deadline=None)
def test_scenes_survive_json(seed: int) -> None:
    scene = sample_scene(random.Random(seed))
    assert scene_from_dict(json.loads(json.dumps(scene.to_dict()))) == scene


@given(seeds)
@settings(max_examples=100, deadline=None)
def test_every_scene_is_well_formed(seed: int) -> None:
    scene = sample_scene(random.Random(seed))
    assert 4 <= scene.duration <= 20
    assert (scene.cut is None) == (len(scene.settings) == 1)
    assert (
        len({thing.colour for thing in scene.things})
        == len({thing.size for thing in scene.things})
        == len(scene.things)
    )
    for thing in scene.things:
        assert thing.present(thing.flash)
        assert thing.present(thing.flash + 0.99 * scene.slot)
        assert thing.flash + scene.slot <= scene.duration
    if scene.mark is not None:
        announced = scene.thing(scene.mark)
        assert announced is not None
        assert announced.presence == "enters"


@given(seeds)
@settings(max_examples=60, deadline=None)
def test_flashes_coincide_exactly_or_are_a_slot_apart(seed: int) -> None:
    scene = sample_scene(random.Random(seed))
    times = sorted(thing.flash for thing in scene.things)
    for early, late in pairwise(times):
        assert late == early or late - early > 0.65 * scene.slot


def test_identity_ignores_the_look(scene: Scene) -> None:
    assert scene_from_dict({**scene.to_dict(), "look": scene.look + 1}).identity == scene.identity
