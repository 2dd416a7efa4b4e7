"""Text after a video begins behind its last moment."""

from collections.abc import Sequence
from typing import Any, Final

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from videopasta_assets.engines.text_positions import after_last_moments, count_text_after_videos
from videopasta_assets.torchvision_ops import prepare_torchvision

TEXT, VIDEO = 0, 2
Run = tuple[int, tuple[int, int, int]]
"""Tokens of text, and a video's grid after the merge (moments, height, width)."""

runs = st.lists(
    st.tuples(st.integers(1, 4), st.tuples(st.integers(1, 9), st.integers(1, 4), st.integers(1, 4))), min_size=1
)
INTERVAL: Final = 3


def laid_out(row: Sequence[Run], end: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Positions and types of text, video, text, video ... text; `end(start, grid)` is where text goes on."""
    at, parts, types = 0, [], []
    for text, (moments, height, width) in [*row, (2, (0, 0, 0))]:
        parts.append(torch.arange(at, at + text).expand(3, -1))
        types += [TEXT] * text
        at += text
        if moments:
            axes = [torch.arange(moments) * INTERVAL, torch.arange(height), torch.arange(width)]
            parts.append(torch.stack(torch.meshgrid(*axes, indexing="ij")).reshape(3, -1) + at)
            types += [VIDEO] * parts[-1].shape[1]
            at = end(at, (moments, height, width))
    return torch.cat(parts, 1), torch.tensor(types)


@given(runs)
def test_what_transformers_counts_becomes_what_qwen_counts(row: list[Run]) -> None:
    counted, types = laid_out(row, lambda at, grid: at + max(grid[1:]))
    trained, _ = laid_out(row, lambda at, grid: at + max((grid[0] - 1) * INTERVAL + 1, *grid[1:]))
    assert torch.equal(after_last_moments(counted, types), trained)


@given(runs)
def test_right_positions_stay(row: list[Run]) -> None:
    trained, types = laid_out(row, lambda at, grid: at + max((grid[0] - 1) * INTERVAL + 1, *grid[1:]))
    assert torch.equal(after_last_moments(trained, types), trained)


@pytest.mark.parametrize("family", ["qwen2_vl", "qwen2_5_vl"])
def test_padded_rows_of_a_model(family: str) -> None:
    """Padding on either side changes nothing, and generation goes on behind the last token of each row."""
    prepare_torchvision()
    import transformers

    name = {"qwen2_vl": "Qwen2VL", "qwen2_5_vl": "Qwen2_5_VL"}[family]
    config = getattr(transformers, f"{name}Config")(
        text_config={
            "vocab_size": 32, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
            "num_attention_heads": 2, "num_key_value_heads": 2,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 1, 1]},
        },
        vision_config={"depth": 1, "hidden_size": 16, "embed_dim": 16, "num_heads": 2, "out_hidden_size": 16},
    )  # fmt: skip
    model = getattr(transformers, f"{name}ForConditionalGeneration")(config)
    count_text_after_videos(model)
    moments, side = 12, 2
    types = torch.tensor([TEXT] * 3 + [VIDEO] * (moments * side * side) + [TEXT] * 4)
    length = len(types)
    rows = torch.stack([torch.cat([types, torch.zeros(5, dtype=int)]), torch.cat([torch.zeros(5, dtype=int), types])])
    mask = torch.ones_like(rows)
    mask[0, length:] = mask[1, :5] = 0
    positions, deltas = model.model.get_rope_index(
        torch.ones_like(rows),
        mm_token_type_ids=rows,
        video_grid_thw=torch.tensor([[moments, 2 * side, 2 * side]] * 2),
        second_per_grid_ts=torch.tensor([2.0, 2.0]),
        attention_mask=mask,
    )
    left, right = positions[:, 1, 5:], positions[:, 0, :length]
    assert torch.equal(left, right)
    behind = int(left[0, 3 : length - 4].max()) + 1
    assert left[:, -4:].tolist() == [list(range(behind, behind + 4))] * 3
    assert (deltas.flatten() + length).tolist() == [behind + 4] * 2


def test_other_families_are_left_alone() -> None:
    plain = torch.nn.Linear(2, 2)
    count_text_after_videos(plain)
    assert "get_rope_index" not in vars(plain)
