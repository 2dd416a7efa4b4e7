"""Positions of Qwen2.5-VL's text as its weights were trained: after the video's last moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def text_after_the_last_moment() -> Iterator[None]:
    """transformers 5.19 and 5.23 start the text behind the video's height or width, however long it lasts."""
    from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLModel

    counted = Qwen2_5_VLModel.get_rope_index

    def corrected(
        self: Any, input_ids: torch.Tensor, mm_token_type_ids: torch.Tensor, *rest: Any, **named: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        positions, deltas = counted(self, input_ids, mm_token_type_ids, *rest, **named)
        mask = named.get("attention_mask")
        real = torch.ones_like(input_ids) if mask is None else mask
        for row in range(len(input_ids)):
            video = (mm_token_type_ids[row] == 2).nonzero()
            if len(video) == 0:
                continue
            end = int(video[-1]) + 1
            text = end + real[row, end:].nonzero()[:, 0]
            if len(text):
                later = positions[:, row, :end].max() + 1 - positions[0, row, text[0]]
                positions[:, row, text] += later
                deltas[row] += later
        return positions, deltas

    Qwen2_5_VLModel.get_rope_index = corrected
    try:
        yield
    finally:
        Qwen2_5_VLModel.get_rope_index = counted
