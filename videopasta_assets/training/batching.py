"""Which pairs meet in which optimizer step: planned once, so that a resumed run sees exactly the rest.

A step is filled with runs of up to `per_video` pairs of one video, drawn in random order: pairs of a video can then
share its tokens, and a step still mixes videos. Inside a step, micro-batches hold pairs of like length, which
saves padding without changing the step's gradient (the loss is divided by a constant, not by the group's size).
"""

import random
from collections.abc import Sequence
from typing import Any

MicroBatch = tuple[int, ...]
"""Indices of the pairs of one forward pass."""


def plan_steps(
    groups: Sequence[str],
    lengths: Sequence[int],
    *,
    epochs: float,
    batch_size: int,
    micro_batch_size: int,
    per_video: int,
    seed: int,
    max_steps: int | None = None,
) -> list[list[MicroBatch]]:
    """Optimizer steps, each a list of micro-batches.

    Args:
        groups: for each pair, the key of its clip.
        lengths: for each pair, its length in tokens.
        epochs: passes over all pairs; a fraction trains on a random part in the last pass.
        max_steps: stop earlier.

    Returns:
        Every step has `batch_size` pairs but the last, and at most ceil(batch_size / micro_batch_size) micro-batches.
    """
    total = round(len(groups) * epochs)
    order: list[int] = []
    epoch = 0
    while len(order) < total:
        order.extend(_shuffled(groups, per_video, random.Random(f"{seed}:{epoch}")))
        epoch += 1
    order = order[:total]
    steps = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    return [_micro_batches(step, groups, lengths, micro_batch_size) for step in steps[:max_steps]]


def _shuffled(groups: Sequence[str], per_video: int, rng: random.Random) -> list[int]:
    members: dict[str, list[int]] = {}
    for index, group in enumerate(groups):
        members.setdefault(group, []).append(index)
    runs: list[list[int]] = []
    for indices in members.values():
        rng.shuffle(indices)
        runs.extend(indices[start : start + per_video] for start in range(0, len(indices), per_video))
    rng.shuffle(runs)
    return [index for run in runs for index in run]


def _micro_batches(step: Sequence[int], groups: Sequence[str], lengths: Sequence[int], size: int) -> list[MicroBatch]:
    longest: dict[str, int] = {}
    for index in step:
        longest[groups[index]] = max(longest.get(groups[index], 0), lengths[index])
    ordered = sorted(step, key=lambda index: (longest[groups[index]], groups[index], lengths[index], index))
    return [tuple(ordered[start : start + size]) for start in range(0, len(ordered), size)]


def passes_of(steps: Sequence[Sequence[MicroBatch]], processes: int) -> list[dict[str, Any]]:
    """The forward passes of all steps in order; process p of n takes passes p, p + n, ...

    Where a step's micro-batches do not come out, some processes repeat the last one `idle`: without weight, because
    all must make the same number of passes.
    """
    passes = []
    for number, step in enumerate(steps):
        short = -len(step) % processes
        passes += [{"pairs": list(batch), "idle": False, "step": number} for batch in step]
        passes += [{"pairs": list(step[-1]), "idle": True, "step": number}] * short
    return passes
