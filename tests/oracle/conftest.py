import random

import pytest

from videopasta_assets.toyworld.scene import Scene
from videopasta_assets.toyworld.splits import split_scene


@pytest.fixture(scope="session")
def many_scenes() -> list[tuple[Scene, random.Random]]:
    return [(split_scene("validation", rng), rng) for rng in (random.Random(seed) for seed in range(40))]
