"""Heads that teach the lower layers during training and are thrown away after it."""

from typing import Final

import torch

from videopasta_assets.embedded.architecture import WIDTH
from videopasta_assets.embedded.packing import Batch, States
from videopasta_assets.toyworld.render import LABELS_PER_CELL

MAX_SECONDS: Final = 40


class Teachers(torch.nn.Module):
    """Two linear heads that are thrown away after training.

    `clock` reads from the lower layers which second a video token shows: positions alone carry time in Qwen2.5-VL, and
    asking for it token by token teaches the lower layers to write it into the content. `cells` keeps the tower's
    features saying what each cell shows, also before the language layers have learnt to ask for it.
    """

    rarity: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.clock = torch.nn.Linear(WIDTH, MAX_SECONDS + 1)
        self.cells = torch.nn.Linear(WIDTH, LABELS_PER_CELL)
        self.register_buffer("rarity", label_rarity(), persistent=False)

    def loss(self, states: States, batch: Batch) -> torch.Tensor:
        """The losses (clock, cells, pointing); zeros for a batch without a video."""
        if states.features is None or batch.labels is None:
            return torch.zeros(3)
        shown = batch.seconds >= 0
        clock = torch.nn.functional.cross_entropy(self.clock(states.lower[shown]), batch.seconds[shown])
        cells = torch.nn.functional.binary_cross_entropy_with_logits(
            self.cells(states.features), batch.labels, pos_weight=self.rarity
        )
        return torch.stack([clock, cells, states.pointing])


def label_rarity() -> torch.Tensor:
    """Weights of the positive cell labels: flashes and marks are rare, and everything hangs on them."""
    weights = torch.full((LABELS_PER_CELL,), 1.0)
    weights[:5], weights[5:10], weights[10:16], weights[-5:] = 2.0, 6.0, 2.0, 20.0
    return weights
