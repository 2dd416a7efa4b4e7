"""Splits without leakage: a scene belongs to one split by the hash of its story."""

import random
from collections.abc import Iterator
from typing import Final

from videopasta_assets.errors import UserError
from videopasta_assets.toyworld.scene import Scene, sample_scene

SPLITS: Final[dict[str, range]] = {
    "train": range(0, 70),
    "pairs": range(70, 82),
    "validation": range(82, 90),
    "benchmark": range(90, 100),
}
"""Buckets of `Scene.identity` (0..99) by split: `train` teaches the embedded model, `pairs` feeds the pipeline."""


def bucket(scene: Scene) -> int:
    return int(scene.identity[:8], 16) % 100


def split_scene(split: str, rng: random.Random) -> Scene:
    """Draw a scene of the split; stories of other splits are drawn again: disjoint by construction."""
    if split not in SPLITS:
        raise UserError(f"unknown toyworld split {split!r}", fix=f"Use one of: {', '.join(SPLITS)}.")
    while True:
        scene = sample_scene(rng)
        if bucket(scene) in SPLITS[split]:
            return scene


def scenes(split: str, seed: int) -> Iterator[tuple[Scene, random.Random]]:
    """Endless distinct scenes of a split, each with its own generator for whatever is drawn about it."""
    seen: set[str] = set()
    index = 0
    while True:
        rng = random.Random(f"{split}:{seed}:{index}")
        scene = split_scene(split, rng)
        index += 1
        if scene.identity not in seen:
            seen.add(scene.identity)
            yield scene, rng
