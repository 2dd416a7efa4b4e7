import pytest
from hypothesis import given
from hypothesis import strategies as st

from videopasta_assets.errors import UserError
from videopasta_assets.taxonomy import MODES, FailureMode
from videopasta_assets.training.weights import mode_weights

_UNIT = dict.fromkeys(MODES, 1.0)
_lambdas = st.fixed_dictionaries({mode: st.floats(0.1, 10) for mode in MODES})
_subsets = st.dictionaries(st.sampled_from(MODES), st.lists(st.floats(0, 5), min_size=1, max_size=8), min_size=1)


def objective(subsets: dict[FailureMode, list[float]], lambdas: dict[FailureMode, float]) -> float:
    modes = [mode for mode, losses in subsets.items() for _ in losses]
    losses = [loss for group in subsets.values() for loss in group]
    weights = mode_weights(modes, lambdas)
    return sum(w * loss for w, loss in zip(weights, losses, strict=True)) / len(losses)


@given(size=st.integers(1, 20), modes=st.sets(st.sampled_from(MODES), min_size=1))
def test_equal_subsets_and_unit_lambdas_are_plain_dpo(size: int, modes: set[FailureMode]) -> None:
    assert mode_weights([mode for mode in modes for _ in range(size)], _UNIT) == pytest.approx(
        [1.0] * size * len(modes)
    )


@given(_subsets, _lambdas)
def test_mean_of_weighted_losses_is_equation_3_up_to_the_number_of_modes(subsets, lambdas) -> None:
    equation_3 = sum(lambdas[mode] * sum(losses) / len(losses) for mode, losses in subsets.items())
    assert objective(subsets, lambdas) == pytest.approx(equation_3 / len(subsets))


@given(_subsets, _lambdas, st.data())
def test_doubling_a_subset_changes_nothing(subsets, lambdas, data) -> None:
    doubled = data.draw(st.sampled_from(sorted(subsets)))
    copied = {mode: losses * 2 if mode is doubled else losses for mode, losses in subsets.items()}
    assert objective(copied, lambdas) == pytest.approx(objective(subsets, lambdas))


def test_a_mode_without_a_lambda_counts_once() -> None:
    assert mode_weights([FailureMode.SPATIAL], {}) == [1.0]


@pytest.mark.parametrize(
    ("modes", "lambdas", "sentence"),
    [
        ([], {}, "empty"),
        ([FailureMode.SPATIAL], {FailureMode.SPATIAL: 0.0}, "weight zero"),
        ([FailureMode.SPATIAL], {FailureMode.TEMPORAL: -1.0}, "negative"),
    ],
)
def test_nothing_to_train_on_is_a_clear_mistake(modes, lambdas, sentence) -> None:
    with pytest.raises(UserError, match=sentence):
        mode_weights(modes, lambdas)
