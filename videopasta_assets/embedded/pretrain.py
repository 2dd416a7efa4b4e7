"""Vision first: the tower learns per-cell scene labels (colours, flashes, shapes, sizes, settings, marks)."""

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, IterableDataset

from videopasta_assets.embedded.architecture import DENSE_FRAMES, MERGE, PATCH, PIXELS, WIDTH, EmbeddedModel
from videopasta_assets.embedded.corpus import degraded
from videopasta_assets.embedded.forward import encode_frames
from videopasta_assets.embedded.optimizer import Optimizer
from videopasta_assets.embedded.packing import patchify
from videopasta_assets.embedded.teachers import label_rarity
from videopasta_assets.toyworld.render import (
    COLOUR_LABELS,
    FLASH_LABELS,
    HIDDEN_LABELS,
    LABELS_PER_CELL,
    MARK_LABELS,
    SETTING_LABELS,
    SHAPE_LABELS,
    SIZE_LABELS,
    cell_labels,
    midpoints,
    render,
)
from videopasta_assets.toyworld.splits import split_scene

SCENES: Final = 24
MOMENTS: Final = 2
"""Pairs of frames of each scene: many scenes teach more than many moments of one."""
PEAK_RATE: Final = 2e-3
REPORTED: Final = {
    "colour": COLOUR_LABELS,
    "flash": FLASH_LABELS,
    "hidden": HIDDEN_LABELS,
    "size": SIZE_LABELS,
    "shape": SHAPE_LABELS,
    "setting": SETTING_LABELS,
    "mark": MARK_LABELS,
}
LOG_EVERY: Final = 50

Sample = tuple[torch.Tensor, torch.Tensor]
"""Patches of SCENES x MOMENTS pairs of frames, and the labels of their cells."""


class Moments(IterableDataset[Sample]):
    """Endless samples; number `i` depends on (seed, i) alone."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def __iter__(self) -> Iterator[Sample]:
        torch.set_num_threads(1)
        index = 0
        while True:
            drawn = [_moments(random.Random(f"vision:{self.seed}:{index + i}")) for i in range(SCENES)]
            index += SCENES
            patches, labels = zip(*drawn, strict=True)
            yield torch.from_numpy(np.concatenate(patches)), torch.from_numpy(np.concatenate(labels))


def _moments(rng: random.Random) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    scene = split_scene("train", rng)
    times = midpoints(scene.duration, DENSE_FRAMES)
    pairs = rng.sample(range(DENSE_FRAMES // 2), MOMENTS)
    chosen = np.concatenate([times[2 * pair : 2 * pair + 2] for pair in pairs])
    fps = rng.uniform(8, 30)
    frames = degraded(render(scene, np.floor(chosen * fps) / fps, PIXELS), rng)
    return patchify(frames)[0], cell_labels(scene, chosen).reshape(-1, LABELS_PER_CELL)


def pretrain_vision(model: EmbeddedModel, seed: int, seconds: float, log: Path) -> None:
    """Train `model.model.visual` in place for about `seconds`, behind a linear head that is thrown away."""
    head = torch.nn.Linear(WIDTH, LABELS_PER_CELL + 9)
    optimizer = Optimizer(model.model.visual, head)
    start = time.monotonic()
    recent: list[dict[str, float]] = []
    for step, (patches, labels) in enumerate(DataLoader(Moments(seed), batch_size=None, num_workers=1), 1):
        spent = time.monotonic() - start
        if spent >= seconds:
            break
        with torch.autocast("cpu", torch.bfloat16):
            logits = head(encode_frames(model, patches, PIXELS // PATCH)).float()
        place = torch.arange(9).repeat(len(logits) // (PIXELS // PATCH // MERGE) ** 2)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            logits[:, :LABELS_PER_CELL], labels, pos_weight=label_rarity()
        )
        where = torch.nn.functional.cross_entropy(logits[:, LABELS_PER_CELL:], place)
        (loss + 0.05 * where).backward()  # type: ignore[no-untyped-call]
        optimizer.step(PEAK_RATE * min(1.0, step / 50) * (1.0 - 0.95 * spent / seconds))
        recent.append({"loss": loss.item(), **_recalled(logits.detach(), labels, place)})
        if step % LOG_EVERY == 0:
            means = {name: round(float(np.mean([line[name] for line in recent])), 4) for name in recent[0]}
            recent.clear()
            line = {"phase": "vision", "step": step, "seconds": round(spent, 1), **means}
            with log.open("a") as sink:
                sink.write(json.dumps(line) + "\n")
            print(line, flush=True)  # noqa: T201 - progress of a command


def _recalled(logits: torch.Tensor, labels: torch.Tensor, place: torch.Tensor) -> dict[str, float]:
    """Share of the positive labels of each kind that are found, and of cells that know their place.

    Sizes and shapes are choices between three: right is the highest of the three of a colour that is there.
    """
    hits = (logits[:, :LABELS_PER_CELL] > 0) & (labels > 0)
    shares = {
        name: (hits[:, part].sum() / labels[:, part].sum().clamp(min=1)).item() for name, part in REPORTED.items()
    }
    for name in ("size", "shape"):
        three = labels[:, REPORTED[name]].reshape(len(labels), -1, 3)
        there = three.any(-1)
        best = logits[:, REPORTED[name]].reshape(len(logits), -1, 3).argmax(-1)
        shares[name] = (best == three.argmax(-1))[there].float().mean().item()
    shares["place"] = (logits[:, LABELS_PER_CELL:].argmax(-1) == place).float().mean().item()
    return shares
