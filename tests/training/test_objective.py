import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from videopasta_assets.config.training import TrainingSettings
from videopasta_assets.training.objective import Objective, Scored, kl_estimate

_number = st.floats(-30, 30)
_pairs = st.lists(st.tuples(_number, _number, _number, _number), min_size=1, max_size=5)


def scored(numbers, lengths=(7.0, 4.0)) -> Scored:
    table = torch.tensor(numbers, dtype=torch.float64)
    return Scored(
        policy=table[:, :2].T,
        reference=table[:, 2:].T,
        lengths=torch.tensor(lengths, dtype=torch.float64)[:, None].expand(2, len(numbers)),
        shares=torch.ones(2, len(numbers), dtype=torch.float64),
    )


def sigma(value: float) -> float:
    return 1 / (1 + math.exp(-value))


@given(_pairs)
def test_dpo_is_equation_2(numbers) -> None:
    losses = Objective(TrainingSettings(beta=0.1)).losses(scored(numbers))
    expected = [-math.log(sigma(0.1 * ((c - c0) - (r - r0)))) for c, r, c0, r0 in numbers]
    assert losses.tolist() == pytest.approx(expected, abs=1e-9)


@given(_pairs)
def test_length_normalized_dpo_compares_means_over_tokens(numbers) -> None:
    losses = Objective(TrainingSettings(beta=2.0, length_normalized=True)).losses(scored(numbers))
    expected = [-math.log(sigma(2 * ((c - c0) / 7 - (r - r0) / 4))) for c, r, c0, r0 in numbers]
    assert losses.tolist() == pytest.approx(expected, abs=1e-9)


@given(_pairs)
def test_the_supervised_term_is_added_to_dpo(numbers) -> None:
    plain, with_term = (Objective(TrainingSettings(sft_weight=w)).losses(scored(numbers)) for w in (0.0, 0.5))
    supervised = Objective(TrainingSettings(objective="sft")).losses(scored(numbers))
    assert torch.allclose(with_term, plain + 0.5 * supervised)
    assert supervised.tolist() == pytest.approx([-row[0] / 7 for row in numbers])


@given(_pairs, st.floats(0, 20), st.floats(0, 3), st.floats(0, 3))
def test_kto_is_equation_7_averaged_over_both_samples(numbers, divergence, good, bad) -> None:
    settings = TrainingSettings(objective="kto", beta=0.1, desirable_weight=good, undesirable_weight=bad)
    losses = Objective(settings).losses(scored(numbers), torch.tensor(divergence, dtype=torch.float64))
    expected = [
        (good * (1 - sigma(0.1 * (c - c0 - divergence))) + bad * (1 - sigma(0.1 * (divergence - (r - r0))))) / 2
        for c, r, c0, r0 in numbers
    ]
    assert losses.tolist() == pytest.approx(expected, abs=1e-9)


@given(_pairs)
def test_apo_zero_is_kto_without_divergence(numbers) -> None:
    zero = torch.zeros((), dtype=torch.float64)
    kto, apo = (Objective(TrainingSettings(objective=name)) for name in ("kto", "apo_zero"))
    assert torch.allclose(kto.losses(scored(numbers), zero), apo.losses(scored(numbers)))
    assert kto.reference_sides == ("chosen", "rejected", "unrelated")
    assert apo.reference_sides == ("chosen", "rejected")


def test_the_divergence_is_never_negative_and_carries_no_gradient() -> None:
    policy = torch.tensor([-3.0, -5.0], requires_grad=True)
    assert float(kl_estimate(policy, torch.tensor([-4.0, -6.0]))) == 1.0
    assert float(kl_estimate(policy, torch.tensor([-1.0, -1.0]))) == 0.0
    assert not kl_estimate(policy, torch.zeros(2)).requires_grad
    with pytest.raises(ValueError, match="divergence"):
        Objective(TrainingSettings(objective="kto")).losses(scored([(0, 0, 0, 0)]))


@pytest.mark.parametrize(
    "settings",
    [
        {"objective": "sft", "length_normalized": True},
        {"objective": "kto", "sft_weight": 1.0},
        {"objective": "dpo", "unpaired_samples": 10},
    ],
)
def test_an_option_of_another_objective_is_refused(settings) -> None:
    with pytest.raises(ValidationError, match="belong"):
        TrainingSettings(**settings)
