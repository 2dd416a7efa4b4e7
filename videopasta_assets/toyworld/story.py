"""What has happened so far: labels of each moment of a video, for the layers that have to keep track.

Whether something never left, jumped twice or was touched is seen in no single frame. A model that reads it off a
running summary needs one look; one that has none must compare all frames at each word.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from videopasta_assets.toyworld.render import MARK_SLOTS, position
from videopasta_assets.toyworld.scene import COLOURS, HOP_SLOTS, Scene

PER_COLOUR: Final = ("now", "before", "vanished", "returned", "moved", "moved_twice", "flashed", "touched", "mark")
STORY_LABELS: Final = len(PER_COLOUR) * len(COLOURS) + 1
"""Columns of `story_labels`: of each colour nine facts, and whether the setting has changed."""


def story_labels(scene: Scene, times: NDArray[np.float64]) -> NDArray[np.float32]:
    """What has been shown up to each pair of frames, it included: 0 or 1, of shape (T / 2, STORY_LABELS)."""
    steps = len(times) // 2
    labels = np.zeros((steps, len(COLOURS), len(PER_COLOUR)), np.float32)
    for thing in scene.things:
        facts = labels[:, COLOURS.index(thing.colour)]
        seen = missed = False
        for step in range(steps):
            pair = [float(time) for time in times[2 * step : 2 * step + 2]]
            now = any(_shown(scene, thing.colour, time) for time in pair)
            jumps = sum(jump.start + HOP_SLOTS / 2 * scene.slot < pair[-1] for jump in thing.jumps)
            flashed = any(thing.flash <= time for time in pair)
            missed |= seen and not now
            facts[step] = (
                now,
                seen,
                missed,
                missed and now,
                jumps > 0,
                jumps > 1,
                flashed,
                flashed and thing.caused_by is not None,
                False,
            )
            seen |= now
    if scene.mark is not None and times[0] < MARK_SLOTS * scene.slot:
        labels[:, COLOURS.index(scene.mark), -1] = 1
    first = scene.setting(float(times[0]))
    cut = np.array([[scene.setting(float(time)) != first] for time in times[1 : 2 * steps : 2]], np.float32)
    return np.concatenate([labels.reshape(steps, -1), cut], 1)


def _shown(scene: Scene, colour: str, time: float) -> bool:
    thing = scene.thing(colour)
    centre = None if thing is None else position(scene, thing, time)
    return centre is not None and 0 < centre[0] < 1 and 0 < centre[1] < 1
