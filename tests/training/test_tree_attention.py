import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.attention.flex_attention import create_mask, flex_attention

from videopasta_assets.errors import UserError
from videopasta_assets.training.tree_attention import (
    TreeShape,
    block_mask,
    choose_kernel,
    flex_trouble,
    tree_attention,
)

_CPU = torch.device("cpu")
_trees = st.builds(
    TreeShape,
    shared=st.integers(1, 40),
    questions=st.lists(st.lists(st.integers(1, 30), min_size=1, max_size=4).map(tuple), min_size=1, max_size=4).map(
        tuple
    ),
)


def size(tree: TreeShape) -> int:
    return tree.shared + sum(map(sum, tree.questions))


def visible(tree: TreeShape, length: int) -> torch.Tensor:
    """Who attends to whom, from the rule itself: a token's ancestors are the beginning, its question, its branch."""
    paths = [("video",)] * tree.shared
    for number, lengths in enumerate(tree.questions):
        paths += [("video", number)] * lengths[0]
        paths += [("video", number, branch) for branch, tokens in enumerate(lengths[1:]) for _ in range(tokens)]
    mask = torch.zeros(length, length, dtype=torch.bool)
    for asking, path in enumerate(paths):
        for asked in range(asking + 1):
            mask[asking, asked] = path[: len(paths[asked])] == paths[asked]
    return mask


@settings(max_examples=30, deadline=None)
@given(_trees, st.integers(0, 9))
def test_both_kernels_see_what_the_tree_allows(tree: TreeShape, padding: int) -> None:
    real = size(tree)
    length = real + padding
    expected = visible(tree, length)
    flex = create_mask(block_mask((tree,), length, _CPU).mask_mod, 1, 1, length, length, device="cpu")[0, 0]
    assert torch.equal(flex[:real, :real], expected[:real, :real])
    start = tree.shared
    for bias in tree.biases(torch.float32, _CPU):
        tokens = bias.shape[2]
        seen = torch.cat(
            [expected[start : start + tokens, : tree.shared], expected[start : start + tokens, start : start + tokens]],
            dim=1,
        )
        assert torch.equal(bias[0, 0] == 0, seen)
        start += tokens


def test_blocks_that_no_token_may_see_are_skipped() -> None:
    tree = TreeShape(256, ((128,), (128,), (128,), (128,)))
    blocks = block_mask((tree,), size(tree), _CPU).to_dense()[0, 0]
    assert blocks[-1].tolist() == [1, 1, 0, 0, 0, 1]  # the last question: the video and itself


@pytest.mark.filterwarnings("ignore")
def test_flex_attention_gives_what_sdpa_gives() -> None:
    trees = (TreeShape(20, ((5, 7, 3), (4, 6))), TreeShape(12, ((9, 2),)))
    length = max(map(size, trees))
    torch.manual_seed(0)
    query, key, value = (torch.randn(2, heads, length, 16) for heads in (4, 2, 2))
    module = torch.nn.Module()
    module.num_key_value_groups = 2
    expected = tree_attention(module, query, key, value, None, trees=trees, scaling=0.25)[0]
    mask = block_mask(trees, length, _CPU)
    found = flex_attention(query, key, value, block_mask=mask, scale=0.25, enable_gqa=True).transpose(1, 2)
    for row, tree in enumerate(trees):
        assert torch.allclose(found[row, : size(tree)], expected[row, : size(tree)], atol=1e-5)


def test_the_kernel_is_chosen_by_what_the_device_can() -> None:
    assert choose_kernel("auto", _CPU) == "sdpa"
    assert choose_kernel("sdpa", _CPU) == "sdpa"
    assert "CUDA" in (flex_trouble(_CPU) or "")
    with pytest.raises(UserError, match=r"training\.attention"):
        choose_kernel("flex", _CPU)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_flex_attention_trains_like_sdpa_on_a_gpu() -> None:
    assert flex_trouble(torch.device("cuda")) is None
