import pytest
import torch
from transformers.models.qwen2_5_vl import modeling_qwen2_5_vl

from tests.training.handwritten import dpo_loss, response_logp, stock_inputs
from tests.training.rig import Rig
from tests.training.tiny_model import make_pairs
from videopasta_assets.engines.clip_prefix import PIXELS
from videopasta_assets.taxonomy import FailureMode
from videopasta_assets.training.dpo_trainer import TrainingDivergedError
from videopasta_assets.training.libraries import DPOTrainer
from videopasta_assets.training.rows import plain_rows
from videopasta_assets.training.unpaired import unrelated_responses
from videopasta_assets.training.weights import mode_weights
from videopasta_assets.video.reader import get_reader

_LAMBDAS = {FailureMode.SPATIAL: 0.5, FailureMode.TEMPORAL: 2.0, FailureMode.CROSS_FRAME: 1.0}


@pytest.fixture(scope="module")
def reader(video_dir):
    return get_reader("auto", [video_dir])


@pytest.fixture(scope="module")
def pairs(video_dir):
    """Two videos of different size, unequal groups: 5 and 2 pairs, repeated questions and chosen responses."""
    made = make_pairs(video_dir / "dpo", videos=2, per_video=7, system="Watch.")
    return made[:5] + made[7:9]


@pytest.fixture(autouse=True)
def float64_norm(monkeypatch) -> None:
    """Qwen2.5-VL normalizes in float32 whatever its dtype; in float64 nothing hides a difference of layouts."""

    def forward(self, states: torch.Tensor) -> torch.Tensor:
        return self.weight * states * torch.rsqrt(states.pow(2).mean(-1, keepdim=True) + self.variance_epsilon)

    monkeypatch.setattr(modeling_qwen2_5_vl.Qwen2_5_VLRMSNorm, "forward", forward)


def assert_equal(left: dict, right: dict, tolerance: float = 1e-11) -> None:
    assert left.keys() == right.keys()
    assert max(float((left[name] - right[name]).abs().max()) for name in left) < tolerance


@pytest.mark.parametrize("layout", ["plain", "packed"])
def test_loss_and_gradients_equal_dpo_written_by_hand(layout, tiny_dir, pairs, reader, tmp_path) -> None:
    rig = Rig(tiny_dir, pairs, reader, tmp_path, layout, lambdas=_LAMBDAS, beta=0.3)
    loss, gradients = rig.loss(), rig.gradients()
    rig.model.zero_grad()
    expected = dpo_loss(rig.model, rig.loaded.processor, pairs, _LAMBDAS, 0.3, reader)
    expected.backward()
    assert float(loss) == pytest.approx(float(expected.detach()), abs=1e-12)
    assert_equal(gradients, rig.gradients())
    assert max(float(part.abs().max()) for part in gradients.values()) > 1e-3


def test_packed_gradients_survive_checkpointing_and_any_split_into_micro_batches(tiny_dir, pairs, reader, tmp_path):
    plain = Rig(tiny_dir, pairs, reader, tmp_path, "plain", lambdas=_LAMBDAS)
    whole, expected = plain.loss(), plain.gradients()
    packed = Rig(tiny_dir, pairs, reader, tmp_path, "packed", lambdas=_LAMBDAS, gradient_checkpointing=True)
    packed.model.gradient_checkpointing_enable()
    split = packed.loss([[6, 0, 3], [1], [2, 4, 5]])
    assert float(split) == pytest.approx(float(whole), abs=1e-12)
    assert_equal(packed.gradients(), expected)


def test_a_response_scores_the_same_alone_and_in_any_company(tiny_dir, pairs, reader, tmp_path) -> None:
    rig = Rig(tiny_dir, pairs, reader, tmp_path, "packed")
    together = rig.trainer.measure(range(len(pairs)), adapted=True)
    alone = torch.cat([rig.trainer.measure([index], adapted=True) for index in range(len(pairs))])
    assert torch.allclose(together, alone, atol=1e-11, rtol=0)
    with torch.no_grad():
        by_hand = response_logp(rig.model, rig.loaded.processor, pairs[-1], pairs[-1].rejected, reader)
    assert float(alone[-1, 1]) == pytest.approx(float(by_hand), abs=1e-11)


def test_prompt_tokens_are_those_of_the_whole_processor(tiny_dir, pairs, reader, tmp_path) -> None:
    rig = Rig(tiny_dir, pairs[:1], reader, tmp_path)
    encoded = rig.encoder.encode(pairs[0])
    inputs, start = stock_inputs(rig.loaded.processor, pairs[0], pairs[0].chosen, reader)
    assert encoded.prompt_ids.tolist() == inputs["input_ids"][0, :start].tolist()
    assert encoded.chosen_ids.tolist() == inputs["input_ids"][0, start:].tolist()
    assert encoded.prompt_types.tolist() == inputs["mm_token_type_ids"][0, :start].tolist()
    assert rig.encoder.vision(pairs[0].clip)["second_per_grid_ts"].tolist() == pytest.approx(
        [2 / pairs[0].clip.plan.sampled_fps], rel=0.05
    )


@pytest.mark.parametrize("layout", ["plain", "packed"])
def test_unit_weights_equal_stock_trl(layout, tiny_dir, pairs, reader, tmp_path) -> None:
    balanced = pairs[:3]  # one of each mode: every weight is 1
    rig = Rig(tiny_dir, balanced, reader, tmp_path, layout)
    loss, gradients = rig.loss(), rig.gradients()
    rows = plain_rows(rig.trainer._pairs, rig.encoder)
    pixels = torch.cat([rig.encoder.prefix(clip).vision[PIXELS] for clip in rows.clips]).double()
    completion = torch.zeros_like(rows.inputs["attention_mask"])
    for row, response in enumerate(pair.chosen_ids for pair in rig.trainer._pairs):
        start = len(rig.trainer._pairs[row].prompt_ids)
        completion[row, start : start + len(response)] = 1
    for row, pair in enumerate(rig.trainer._pairs, start=len(balanced)):
        completion[row, len(pair.prompt_ids) : len(pair.prompt_ids) + len(pair.rejected_ids)] = 1
    stock = {**rows.inputs, "pixel_values_videos": pixels, "completion_mask": completion}
    rig.model.zero_grad()
    expected = DPOTrainer._compute_loss(rig.trainer, rig.model, stock, False)
    expected.backward()
    assert float(loss) == pytest.approx(float(expected.detach()), abs=2e-6)
    assert_equal(gradients, rig.gradients(), 1e-5)  # TRL's fused head works in float32


def test_rewards_are_logged_by_mode_and_each_pair_counts_once(tiny_dir, pairs, reader, tmp_path) -> None:
    rig = Rig(tiny_dir, pairs, reader, tmp_path, beta=0.3)
    rig.loss([[0, 1, 2, 3], [4, 5, 6]])
    metrics = rig.trainer._metrics["train"]
    assert len(metrics["rewards/margins"]) == len(pairs)
    for mode in FailureMode:
        assert len(metrics[f"rewards/accuracies/{mode}"]) == sum(pair.mode is mode for pair in pairs)
    logps = rig.trainer.measure(range(len(pairs)), adapted=True)
    chosen = 0.3 * (logps - rig.trainer.reference)[:, 0]
    assert sum(metrics["rewards/chosen"]) == pytest.approx(float(chosen.sum()), abs=1e-6)


def test_sft_trains_on_the_mean_likelihood_of_chosen_tokens(tiny_dir, pairs, reader, tmp_path) -> None:
    rig = Rig(tiny_dir, pairs[:3], reader, tmp_path, "packed", objective="sft")
    with torch.no_grad():
        expected = -sum(
            float(response_logp(rig.model, rig.loaded.processor, pair, pair.chosen, reader))
            / len(rig.encoder.encode(pair).chosen_ids)
            for pair in pairs[:3]
        )
    assert float(rig.loss()) == pytest.approx(expected / 3, abs=1e-10)


def test_a_loss_that_is_no_number_stops_training(tiny_dir, pairs, reader, tmp_path) -> None:
    rig = Rig(tiny_dir, pairs[:2], reader, tmp_path)
    rig.trainer.reference[0, 0] = float("nan")
    with pytest.raises(TrainingDivergedError, match="step 1"):
        rig.loss()


def test_kto_equals_one_written_by_hand_whatever_its_micro_batches(tiny_dir, pairs, reader, tmp_path) -> None:
    rig = Rig(tiny_dir, pairs, reader, tmp_path, "packed", objective="kto", lambdas=_LAMBDAS, beta=0.3)
    others = unrelated_responses(pairs, 0)
    whole = rig.loss()
    gradients = rig.gradients()

    def ratio(pair, text) -> torch.Tensor:
        policy = response_logp(rig.model, rig.loaded.processor, pair, text, reader)
        with torch.no_grad(), rig.model.disable_adapter():
            reference = response_logp(rig.model, rig.loaded.processor, pair, text, reader)
        return policy - reference

    with torch.no_grad():
        divergence = sum(ratio(pair, other) for pair, other in zip(pairs, others, strict=True)) / len(pairs)
    divergence = divergence.clamp(min=0)
    weights = mode_weights([pair.mode for pair in pairs], _LAMBDAS)
    rig.model.zero_grad()
    expected = sum(
        weight
        * (
            (1 - torch.sigmoid(0.3 * (ratio(pair, pair.chosen) - divergence)))
            + (1 - torch.sigmoid(0.3 * (divergence - ratio(pair, pair.rejected))))
        )
        for weight, pair in zip(weights, pairs, strict=True)
    ) / (2 * len(pairs))
    expected.backward()
    assert float(whole) == pytest.approx(float(expected.detach()), abs=1e-11)
    assert_equal(gradients, rig.gradients())
    split = rig.loss([[6, 0, 3], [1], [2, 4, 5]])
    assert float(split) == pytest.approx(float(whole), abs=1e-11)
    assert_equal(gradients, rig.gradients())
    assert rig.trainer._metrics["train"]["kl"][0] == pytest.approx(float(divergence), abs=1e-9)


def test_samples_that_were_not_drawn_have_no_gradient(tiny_dir, pairs, reader, tmp_path) -> None:
    rig = Rig(tiny_dir, pairs[:2], reader, tmp_path, "packed", objective="apo_zero", shares=[(2.0, 0.0), (0.0, 2.0)])
    logps = rig.trainer.measure([0, 1], adapted=True) - rig.trainer.reference
    expected = (1 - torch.sigmoid(0.1 * logps[0, 0])) / 2 + torch.sigmoid(0.1 * logps[1, 1]) / 2
    assert float(rig.loss()) == pytest.approx(float(expected), abs=1e-10)
