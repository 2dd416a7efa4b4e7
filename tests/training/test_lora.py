import pytest

from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.training.base import load_base
from videopasta_assets.training.config import TrainingConfig
from videopasta_assets.training.libraries import get_peft_model
from videopasta_assets.training.lora import check_trainable, lora_config, trainable_names


@pytest.fixture
def model(tiny_dir):
    return load_base(tiny_dir, TrainingConfig(device="cpu")).model


def test_only_language_model_projections_train(model) -> None:
    adapted = get_peft_model(model, lora_config(model, r=2, alpha=4, dropout=0.0))
    names = trainable_names(adapted)
    check_trainable(adapted)
    assert len(names) == 2 * 7 * 2  # A and B, seven projections, two layers
    assert all(".language_model.layers." in name and "lora_" in name for name in names)
    assert not any("visual" in name for name in names)


def test_the_usual_list_of_names_would_reach_the_vision_tower(model) -> None:
    with pytest.raises(UserError, match="vision tower"):
        lora_config(model, r=2, alpha=4, dropout=0.0, target=r".*\.(gate|up|down)_proj")


def test_a_target_that_matches_nothing_names_what_there_is(model) -> None:
    with pytest.raises(UserError, match=r"matches 'nothing'.*q_proj"):
        lora_config(model, r=2, alpha=4, dropout=0.0, target="nothing")


def test_an_unfrozen_parameter_is_noticed(model) -> None:
    adapted = get_peft_model(model, lora_config(model, r=2, alpha=4, dropout=0.0))
    next(iter(adapted.get_base_model().model.visual.parameters())).requires_grad_(True)
    with pytest.raises(VideoPastaError, match="visual"):
        check_trainable(adapted)
