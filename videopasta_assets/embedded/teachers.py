"""Heads that teach the lower layers during training and are thrown away after it."""

from typing import Final

import torch

from videopasta_assets.embedded.architecture import WIDTH
from videopasta_assets.embedded.forward import States
from videopasta_assets.embedded.packing import Batch
from videopasta_assets.toyworld.render import (
    FLASH_LABELS,
    HIDDEN_LABELS,
    LABELS_PER_CELL,
    MARK_LABELS,
    SETTING_LABELS,
)
from videopasta_assets.toyworld.story import STORY_LABELS

MAX_SECONDS: Final = 40
CELLS: Final = 9


class Teachers(torch.nn.Module):
    """Linear heads that are thrown away after training.

    `clock` reads from the lower layers which second a video token shows: positions alone carry time in Qwen2.5-VL, and
    asking for it token by token teaches the lower layers to write it into the content. `cells` keeps the tower's
    features saying what each cell shows, also before the language layers have learnt to ask for it. `contrast` asks of
    each word of an adversary whether it departs from the aligned answer: a verdict only has to collect the departures.
    `story` asks the last token of each pair of frames, which alone has seen all nine cells, what has happened so far.
    `place` keeps the tower's features saying which cell they are: the rotary base leaves columns almost unturned.
    """

    rarity: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        self.clock = torch.nn.Linear(WIDTH, MAX_SECONDS + 1)
        self.cells = torch.nn.Linear(WIDTH, LABELS_PER_CELL)
        self.contrast = torch.nn.Linear(WIDTH, 1)
        self.place = torch.nn.Linear(WIDTH, CELLS)
        self.story = torch.nn.Linear(WIDTH, STORY_LABELS)
        self.register_buffer("rarity", label_rarity(), persistent=False)

    def loss(self, states: States, batch: Batch) -> torch.Tensor:
        """The losses (clock, cells, pointing, contrast, place, story); zero for what a batch has not."""
        nothing = torch.zeros(())
        marked = batch.marks >= 0
        contrast = nothing
        if marked.any():
            logits = self.contrast(states.middle[marked]).squeeze(-1).float()
            contrast = torch.nn.functional.binary_cross_entropy_with_logits(logits, batch.marks[marked].float())
        if states.features is None or batch.labels is None or batch.story is None:
            return torch.stack([nothing, nothing, nothing, contrast, nothing, nothing])
        shown = batch.seconds >= 0
        clock = torch.nn.functional.cross_entropy(self.clock(states.lower[shown]).float(), batch.seconds[shown])
        cells = torch.nn.functional.binary_cross_entropy_with_logits(
            self.cells(states.features).float(), batch.labels, pos_weight=self.rarity
        )
        stands = torch.arange(CELLS).repeat(len(states.features) // CELLS)
        place = torch.nn.functional.cross_entropy(self.place(states.features).float(), stands)
        summary = states.middle[shown][CELLS - 1 :: CELLS]
        story = torch.nn.functional.binary_cross_entropy_with_logits(self.story(summary).float(), batch.story)
        return torch.stack([clock, cells, states.pointing, contrast, place, story])


def label_rarity() -> torch.Tensor:
    """Weights of the positive cell labels: flashes, hidden things and marks are rare, and everything hangs on them."""
    weights = torch.full((LABELS_PER_CELL,), 2.0)
    weights[FLASH_LABELS], weights[HIDDEN_LABELS], weights[MARK_LABELS] = 6.0, 6.0, 20.0
    weights[SETTING_LABELS] = 1.0
    return weights
