"""TimeWarp-Explicit: a video's scenes, trimmed, and the same scenes in another order.

Source: TimeWarp (arXiv 2510.03955) section 3.1 and its code's preprocess and shuffle steps. Bounds stay floats, as
truncating them to seconds merges short scenes; scenes stay whole; both videos are built from one list of intervals, so
that they are of one length.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import Final

from videopasta_assets.errors import UserError

LIMIT_SECONDS: Final = 105.0
"""The paper's cap: 1 min 45 s."""

_TOLERANCE: Final = 0.5
"""Seconds that annotations may run over the video's end: containers round."""


class SceneOrder(StrEnum):
    """How a video's scenes are ordered (table 2 counts the two altered ones)."""

    ORIGINAL = "original"
    REVERSED = "reversed"
    SHUFFLED = "shuffled"


@dataclass(frozen=True)
class Scene:
    """One scene of a video: seconds from its start, and what happens."""

    start: float
    end: float
    text: str

    @property
    def seconds(self) -> float:
        """Length."""
        return self.end - self.start


@dataclass(frozen=True)
class PlacedScene:
    """A scene on a timeline: where it comes from and where it is shown, in seconds."""

    scene: int
    source_start: float
    source_end: float
    start: float
    end: float
    text: str


def trimmed(scenes: Sequence[Scene], limit: float = LIMIT_SECONDS) -> tuple[Scene, ...]:
    """The scenes from the first on that end within `limit` seconds; the first one that does not ends the walk."""
    kept: list[Scene] = []
    for scene in scenes:
        if scene.end > limit:
            break
        kept.append(scene)
    return tuple(kept)


def check_scenes(scenes: Sequence[Scene], duration: float) -> None:
    """Refuse annotations that no video can be cut by.

    Args:
        scenes: in the order of the annotations.
        duration: seconds of the video.

    Raises:
        UserError: a scene without length or text, overlapping scenes, or scenes after the video's end.
    """
    for number, scene in enumerate(scenes, 1):
        if not (math.isfinite(scene.start) and math.isfinite(scene.end)) or scene.start < 0:
            raise UserError(f"scene {number} has no valid times ({scene.start} to {scene.end} s)")
        if scene.seconds <= 0:
            raise UserError(f"scene {number} has no length ({scene.start:g} to {scene.end:g} s)")
        if not scene.text.strip():
            raise UserError(f"scene {number} has no text")
        if scene.end > duration + _TOLERANCE:
            raise UserError(
                f"scene {number} ends at {scene.end:g} s and the video at {duration:.2f} s: "
                "the annotations are not this video's"
            )
    for number, (one, other) in enumerate(pairwise(scenes), 1):
        if other.start < one.end - 1e-6:
            raise UserError(
                f"scenes {number} and {number + 1} overlap ({one.end:g} s is after {other.start:g} s)",
                fix="Cut the annotations so that each moment belongs to one scene.",
            )


def reorder(count: int, seed: int) -> tuple[int, ...]:
    """An order of `count` scenes other than their own; two can only be reversed.

    Raises:
        UserError: there is nothing to reorder.
    """
    if count < 2:
        raise UserError("a single scene has no other order", fix="At least two scenes are wanted.")
    same = tuple(range(count))
    rng = random.Random(seed)
    while (drawn := tuple(rng.sample(same, count))) == same:
        pass  # ends: of two or more different numbers at least every second permutation differs
    return drawn


def order_of(permutation: Sequence[int]) -> SceneOrder:
    """Which class an order belongs to; an exact reversal is one even where it was drawn."""
    same = list(range(len(permutation)))
    if list(permutation) == same:
        return SceneOrder.ORIGINAL
    return SceneOrder.REVERSED if list(permutation) == same[::-1] else SceneOrder.SHUFFLED


def timeline(scenes: Sequence[Scene], permutation: Sequence[int]) -> tuple[PlacedScene, ...]:
    """The scenes one after the other in that order, without the gaps that lay between them."""
    placed: list[PlacedScene] = []
    now = 0.0
    for index in permutation:
        scene = scenes[index]
        placed.append(PlacedScene(index, scene.start, scene.end, now, now + scene.seconds, scene.text))
        now += scene.seconds
    return tuple(placed)


def combined_caption(placed: Sequence[PlacedScene]) -> str:
    """The texts in the order in which they are shown."""
    return " ".join(scene.text.strip() for scene in placed)
