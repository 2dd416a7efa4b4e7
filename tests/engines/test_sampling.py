"""Drawing tokens by row."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from videopasta_assets.engines import Decoding
from videopasta_assets.engines.sampling import RowDecoding

PROMPT = torch.ones(1, 3, dtype=torch.long)


def draw(scores: torch.Tensor, decoding: Decoding, seeds: list[int], step: int = 0) -> list[int]:
    rows = len(scores)
    sampler = RowDecoding(decoding, seeds, PROMPT.expand(rows, -1))
    return sampler(torch.zeros(rows, 3 + step, dtype=torch.long), scores).argmax(dim=-1).tolist()


@settings(max_examples=30, deadline=None)
@given(seeds=st.lists(st.integers(0, 2**31 - 1), min_size=2, max_size=6), step=st.integers(0, 3))
def test_a_row_draws_the_same_whatever_its_neighbours(seeds: list[int], step: int) -> None:
    scores = torch.randn(len(seeds), 50, generator=torch.Generator().manual_seed(0)) * 3
    decoding = Decoding(max_new_tokens=4, temperature=0.7, top_p=0.9)
    together = draw(scores, decoding, seeds, step)
    assert together == [draw(scores[i : i + 1], decoding, [seed], step)[0] for i, seed in enumerate(seeds)]


def test_frequencies_follow_the_distribution() -> None:
    probabilities = torch.tensor([0.5, 0.3, 0.15, 0.05])
    scores = probabilities.log().expand(4000, -1)
    drawn = torch.tensor(draw(scores, Decoding(1, temperature=1.0), list(range(4000))))
    assert torch.bincount(drawn, minlength=4) / 4000 == pytest.approx(probabilities, abs=0.03)


def test_top_p_keeps_the_smallest_set_that_reaches_it() -> None:
    scores = torch.tensor([0.15, 0.5, 0.05, 0.3]).log().expand(500, -1)
    assert set(draw(scores, Decoding(1, temperature=1.0, top_p=0.75), list(range(500)))) == {1, 3}
    assert set(draw(scores, Decoding(1, temperature=1.0, top_p=0.01), list(range(500)))) == {1}


def test_a_low_temperature_is_nearly_greedy() -> None:
    scores = torch.tensor([1.0, 2.0, 0.0]).expand(100, -1)
    assert set(draw(scores, Decoding(1, temperature=0.02), list(range(100)))) == {1}


def test_the_penalty_is_transformers_own_without_padding() -> None:
    from transformers import RepetitionPenaltyLogitsProcessor

    scores, ids = torch.randn(2, 10), torch.tensor([[9, 9, 3, 4], [1, 2, 3, 3]])
    mask = torch.tensor([[0, 0, 1], [1, 1, 1]])
    ours = RowDecoding(Decoding(1, repetition_penalty=1.5), [0, 0], mask)(ids, scores.clone())
    stock = RepetitionPenaltyLogitsProcessor(1.5)
    assert torch.allclose(ours[0], stock(ids[:1, 2:], scores[:1].clone())[0])
    assert torch.allclose(ours[1], stock(ids[1:], scores[1:].clone())[0])
