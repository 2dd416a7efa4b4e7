"""Vision first: the tower learns per-cell scene labels (colours, flashes, shapes, sizes, settings, marks)."""

import json
import random
import time
from pathlib import Path

import numpy as np
import torch

from videopasta_assets.embedded.architecture import DENSE_FRAMES, WIDTH, EmbeddedModel
from videopasta_assets.embedded.corpus import degraded, sampled_frames
from videopasta_assets.embedded.forward import encode_frames
from videopasta_assets.embedded.packing import patchify
from videopasta_assets.embedded.teachers import label_rarity
from videopasta_assets.toyworld.render import (
    COLOUR_LABELS,
    FLASH_LABELS,
    HIDDEN_LABELS,
    LABELS_PER_CELL,
    MARK_LABELS,
    SHAPE_LABELS,
    SIZE_LABELS,
    cell_labels,
    midpoints,
)
from videopasta_assets.toyworld.splits import split_scene

CLIPS = 6
REPORTED = {
    "colour": COLOUR_LABELS,
    "flash": FLASH_LABELS,
    "hidden": HIDDEN_LABELS,
    "size": SIZE_LABELS,
    "shape": SHAPE_LABELS,
    "mark": MARK_LABELS,
}


def pretrain_vision(model: EmbeddedModel, seed: int, seconds: float, log: Path) -> None:
    """Train `model.model.visual` in place for about `seconds`, behind a linear head that is thrown away."""
    head = torch.nn.Linear(WIDTH, LABELS_PER_CELL + 9)
    parameters = [*model.model.visual.parameters(), *head.parameters()]
    optimizer = torch.optim.AdamW(parameters, lr=2e-3, betas=(0.9, 0.98), weight_decay=0.01)
    start = time.monotonic()
    step = 0
    while (spent := time.monotonic() - start) < seconds:
        for group in optimizer.param_groups:
            group["lr"] = 2e-3 * min(1.0, step / 50) * (1.0 - 0.8 * spent / seconds)
        patches, labels = _clips(seed, step)
        with torch.autocast("cpu", torch.bfloat16):
            logits = head(encode_frames(model, patches, 6)).float()
        place = torch.arange(9).repeat(len(logits) // 9)
        loss = torch.nn.functional.binary_cross_entropy_with_logits(
            logits[:, :LABELS_PER_CELL], labels, pos_weight=label_rarity()
        )
        where = torch.nn.functional.cross_entropy(logits[:, LABELS_PER_CELL:], place)
        optimizer.zero_grad(set_to_none=True)
        (loss + 0.05 * where).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        step += 1
        if step % 50 == 0:
            hits = (logits[:, :LABELS_PER_CELL] > 0) & (labels > 0)
            line = {"phase": "vision", "step": step, "seconds": round(spent, 1), "loss": round(loss.item(), 4)}
            for name, part in REPORTED.items():
                line[name] = round((hits[:, part].sum() / labels[:, part].sum().clamp(min=1)).item(), 3)
            line["place"] = round((logits[:, LABELS_PER_CELL:].argmax(-1) == place).float().mean().item(), 3)
            with log.open("a") as sink:
                sink.write(json.dumps(line) + "\n")
            print(line, flush=True)  # noqa: T201 - progress of a command


def _clips(seed: int, step: int) -> tuple[torch.Tensor, torch.Tensor]:
    patches, labels = [], []
    for index in range(CLIPS):
        rng = random.Random(f"vision:{seed}:{step * CLIPS + index}")
        scene = split_scene("train", rng)
        patches.append(patchify(degraded(sampled_frames(scene, DENSE_FRAMES, rng), rng))[0])
        labels.append(cell_labels(scene, midpoints(scene.duration, DENSE_FRAMES)).reshape(-1, LABELS_PER_CELL))
    return torch.from_numpy(np.concatenate(patches)), torch.from_numpy(np.concatenate(labels))
