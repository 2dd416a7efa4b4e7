"""Where in the video a stated second comes from.

A second in a reply has to be found: two of seventy-two video tokens show the flash that it is about. Left to the
replies' loss alone, attention had not found them after 2,500 steps. So training also says, for each true stated
second, which video tokens show the event, and one head in each of two layers is asked to look there.
"""

import numpy as np
from numpy.typing import NDArray

from videopasta_assets.toyworld.claims import Claim, parse_answer
from videopasta_assets.toyworld.facts import event_times, holds
from videopasta_assets.toyworld.scene import COLOURS, Scene

Mask = NDArray[np.bool_]


def pointers(scene: Scene, reply: str, labels: NDArray[np.float32]) -> tuple[Mask | None, ...]:
    """For each second stated in `reply`, in order: the video tokens that show its event; None where there is none.

    `labels` has shape (steps, 9, labels) as from `cell_labels`. A reply outside the grammar has no pointers.
    """
    sentences = parse_answer(reply)
    if any(sentence is None for sentence in sentences):
        return ()
    found: list[Mask | None] = []
    for sentence in sentences:
        if sentence is not None:
            true = holds(sentence.core, scene)
            stated = [name for name, _ in sentence.core.slots if name in "sr"]
            found += [_shown(scene, sentence.core, name, labels) if true else None for name in stated]
    return tuple(found)


def _shown(scene: Scene, claim: Claim, slot: str, labels: NDArray[np.float32]) -> Mask | None:
    things = {thing.name: thing for thing in scene.things}
    slots = dict(claim.slots)
    mask = np.zeros(labels.shape[:2], bool)
    if claim.kind == "cut" and scene.cut is not None:
        mask[_step(scene, scene.cut, len(labels))] = True
    elif claim.kind == "first_flash":
        first = min(scene.things, key=lambda thing: thing.flash)
        mask = labels[..., len(COLOURS) + COLOURS.index(first.colour)] > 0
    elif claim.kind == "happens":
        thing = things[slots["x"]]
        step = _step(scene, event_times(thing, slots["v"])[0], len(labels))
        around = slice(max(0, step - 1), step + 2)
        mask[around] = labels[around, :, COLOURS.index(thing.colour)] > 0
    elif claim.kind not in ("at", "setting"):
        thing = things[slots["y" if slot == "r" else "x"]]
        mask = labels[..., len(COLOURS) + COLOURS.index(thing.colour)] > 0
    return mask.reshape(-1) if mask.any() else None


def _step(scene: Scene, time: float, steps: int) -> int:
    return min(steps - 1, int(time / scene.duration * steps))
