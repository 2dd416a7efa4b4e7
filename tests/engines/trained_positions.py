"""Positions of Qwen2.5-VL's text as its weights were trained: after the video's last moment."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch


@contextmanager
def text_after_the_last_moment() -> Iterator[None]:
    """transformers 5.3 and later start the text behind the video's height or width, however long it lasts."""
    from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLModel

    counted = Qwen2_5_VLModel.get_rope_index

    def corrected(
        self: Any, input_ids: torch.Tensor, mm_token_type_ids: torch.Tensor, *rest: Any, **named: Any
    ) -> tuple[torch.Tensor, torch.Tensor]:
        positions, deltas = counted(self, input_ids, mm_token_type_ids, *rest, **named)
        for row in range(len(input_ids)):
            video = (mm_token_type_ids[row] == 2).nonzero()
            if len(video) and (end := int(video[-1]) + 1) < input_ids.shape[1]:
                later = positions[:, row, :end].max() + 1 - positions[0, row, end]
                positions[:, row, end:] += later
                deltas[row] += later
        return positions, deltas

    Qwen2_5_VLModel.get_rope_index = corrected
    try:
        yield
    finally:
        Qwen2_5_VLModel.get_rope_index = counted
