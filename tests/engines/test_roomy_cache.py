"""Keys and values with room to grow are those that a stock cache holds."""

from types import SimpleNamespace

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import Qwen2Config
from transformers.cache_utils import DynamicLayer

from videopasta_assets.engines.roomy_cache import RoomyLayer, is_roomy

HEADS, WIDTH = 2, 4


@settings(deadline=None, max_examples=40)
@given(
    lengths=st.lists(st.integers(1, 9), min_size=1, max_size=3),
    owners=st.lists(st.integers(0, 2), min_size=1, max_size=5),
    steps=st.lists(st.integers(1, 80), max_size=4),
    data=st.data(),
)
def test_it_holds_what_a_stock_layer_holds(
    lengths: list[int], owners: list[int], steps: list[int], data: st.DataObject
) -> None:
    torch.manual_seed(0)
    owners = [owner % len(lengths) for owner in owners]
    longest = max(lengths)
    keys = [torch.rand(HEADS, length, WIDTH) for length in lengths]
    values = [torch.rand(HEADS, length, WIDTH) for length in lengths]
    roomy, stock = RoomyLayer(), DynamicLayer()
    roomy.lay_out(keys, values, owners, longest)
    padded = [
        torch.stack([torch.nn.functional.pad(part[owner], (0, 0, longest - lengths[owner], 0)) for owner in owners])
        for part in (keys, values)
    ]
    stock.update(*padded)
    rows = len(owners)
    for step in steps:
        new = torch.rand(2, rows, HEADS, step, WIDTH)
        for ours, theirs in zip(roomy.update(*new), stock.update(*new), strict=True):
            assert torch.equal(ours, theirs)
        kept = torch.tensor(data.draw(st.lists(st.sampled_from(range(rows)), min_size=1, max_size=rows)))
        roomy.batch_select_indices(kept)
        stock.batch_select_indices(kept)
        rows = len(kept)
        assert roomy.get_seq_length() == stock.get_seq_length()
    assert torch.equal(roomy.keys, stock.keys)
    assert torch.equal(roomy.values, stock.values)


def test_a_model_that_forgets_is_not_given_one() -> None:
    whole = Qwen2Config(num_hidden_layers=2)
    sliding = Qwen2Config(num_hidden_layers=2, use_sliding_window=True, sliding_window=16, max_window_layers=1)
    assert is_roomy(SimpleNamespace(config=whole))
    assert not is_roomy(SimpleNamespace(config=sliding))
