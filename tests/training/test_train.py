import json
from dataclasses import replace

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file

from tests.training.rig import Rig
from tests.training.tiny_model import make_pairs, save_tiny_model
from videopasta_assets.config.training import EarlyStopSettings
from videopasta_assets.engines import Decoding, Request
from videopasta_assets.engines.transformers_engine import TransformersEngine
from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.training.arguments import warmup_steps
from videopasta_assets.training.config import TrainingConfig
from videopasta_assets.training.dpo_trainer import VideoDPOTrainer
from videopasta_assets.training.early_stop import TrainingDivergedError
from videopasta_assets.training.pairs import pairs_hash
from videopasta_assets.training.progress import LogCallback
from videopasta_assets.training.result import Workspace
from videopasta_assets.training.train import train_dpo
from videopasta_assets.video.reader import get_reader

_FAST = TrainingConfig(
    epochs=3, learning_rate=3e-3, batch_size=4, micro_batch_size=2, save_steps=3, logging_steps=2, lora_dropout=0.1
)


@pytest.fixture(scope="module")
def reader(video_dir):
    return get_reader("auto", [video_dir])


@pytest.fixture(scope="module")
def pairs(video_dir):
    return make_pairs(video_dir / "train", videos=2, per_video=7)


@pytest.fixture(scope="module")
def trained(tiny_dir, pairs, reader, tmp_path_factory):
    events = []
    folder = tmp_path_factory.mktemp("run")
    return train_dpo(_FAST, pairs, tiny_dir, folder, reader, events.append), events, folder


def weights(result) -> dict[str, torch.Tensor]:
    return load_file(result.adapter / "adapter_model.safetensors")


def test_training_raises_the_margin_in_every_mode(trained) -> None:
    result, events, folder = trained
    log = [json.loads(line) for line in (folder / "training_log.jsonl").read_text().splitlines()]
    assert log[0]["step"] == 1
    assert log[0]["rewards/margins"] == pytest.approx(0, abs=0.05)
    assert result.metrics["reward_margin"] > 0.3
    assert result.metrics["reward_accuracy"] >= 0.9
    assert {f"reward_margin/{mode}" for mode in ("spatial", "temporal", "cross_frame")} <= result.metrics.keys()
    assert {event["phase"] for event in events} == {"encode", "reference", "train", "score"}
    assert events[-1]["done"] == events[-1]["total"]


def test_the_adapter_folder_holds_safetensors_and_a_card(trained, pairs, tiny_dir) -> None:
    result, _, folder = trained
    assert sorted(path.name for path in result.adapter.iterdir()) == [
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    card = (result.adapter / "README.md").read_text()
    assert pairs_hash(pairs) in card
    assert f"{result.metrics['reward_margin']:.3f}" in card
    assert str(folder) not in card + (result.adapter / "adapter_config.json").read_text()
    assert str(tiny_dir) not in card + (result.adapter / "adapter_config.json").read_text()
    assert not (folder / "checkpoints").exists()


def test_a_reloaded_adapter_is_the_trained_policy(trained, tiny_dir, pairs, reader, tmp_path) -> None:
    result, _, _ = trained
    rig = Rig(tiny_dir, pairs, reader, tmp_path)
    fresh = PeftModel.from_pretrained(rig.loaded.model.__class__.from_pretrained(tiny_dir), result.adapter)
    tuned = {name: part for name, part in fresh.named_parameters() if "lora_" in name}
    for name, part in rig.model.named_parameters():
        if "lora_" in name:
            part.data = tuned[name].data.double()
    margins = (rig.trainer.measure(range(len(pairs)), adapted=True) - rig.trainer.reference) * 0.1
    assert float((margins[:, 0] - margins[:, 1]).mean()) == pytest.approx(result.metrics["reward_margin"], abs=1e-4)


def test_the_same_run_is_returned_and_another_order_is_the_same_run(trained, pairs, tiny_dir, reader) -> None:
    result, _, folder = trained
    again = train_dpo(_FAST, pairs[::-1], tiny_dir, folder, reader)
    assert again.reused
    assert replace(again, reused=False) == result


def test_an_interrupted_run_ends_with_the_same_weights(trained, pairs, tiny_dir, reader, tmp_path, monkeypatch) -> None:
    result, _, folder = trained
    step = VideoDPOTrainer.training_step

    def killed(self, *args, **kwargs):
        if self.state.global_step == 5:
            raise KeyboardInterrupt
        return step(self, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(VideoDPOTrainer, "training_step", killed)
        with pytest.raises(KeyboardInterrupt):
            train_dpo(_FAST, pairs, tiny_dir, tmp_path, reader)
    (tmp_path / "checkpoints" / "checkpoint-4").mkdir()  # cut off while it was written
    resumed = train_dpo(_FAST, pairs, tiny_dir, tmp_path, reader)
    assert resumed.resumed_from == 3
    assert resumed.adapter_hash == result.adapter_hash
    assert resumed.metrics == result.metrics
    assert all(torch.equal(part, weights(result)[name]) for name, part in weights(resumed).items())
    assert (tmp_path / "training_log.jsonl").read_text() == (folder / "training_log.jsonl").read_text()


def test_other_inputs_replace_an_adapter_only_when_they_succeed(trained, pairs, tiny_dir, reader, tmp_path) -> None:
    short = _FAST.model_copy(update={"max_steps": 1})
    first = train_dpo(short, pairs, tiny_dir, tmp_path, reader)
    wild = _FAST.model_copy(update={"learning_rate": 1e30, "max_grad_norm": 1e30})
    with pytest.raises(TrainingDivergedError, match="at step"):
        train_dpo(wild, pairs, tiny_dir, tmp_path, reader)
    assert weights(first).keys() == weights(trained[0]).keys()
    second = train_dpo(short.model_copy(update={"seed": 1}), pairs, tiny_dir, tmp_path, reader)
    assert second.adapter_hash != first.adapter_hash


@pytest.mark.parametrize("objective", ["dpo", "sft", "kto"])
def test_layouts_and_objectives_train_alike(objective, pairs, tiny_dir, reader, tmp_path) -> None:
    config = _FAST.model_copy(update={"objective": objective, "lora_dropout": 0.0, "max_steps": 4})
    results = [
        train_dpo(config.model_copy(update={"layout": layout}), pairs, tiny_dir, tmp_path / layout, reader)
        for layout in ("plain", "packed")
    ]
    plain, packed = map(weights, results)
    assert max(float((plain[name] - packed[name]).abs().max()) for name in plain) < 1e-3
    assert results[0].metrics["reward_chosen"] > 0


def test_a_run_of_one_step_learns(pairs, tiny_dir, reader, tmp_path) -> None:
    result = train_dpo(_FAST.model_copy(update={"max_steps": 1}), pairs, tiny_dir, tmp_path, reader)
    learnt = [part for name, part in weights(result).items() if "lora_B" in name]  # these begin as zeros
    assert result.steps == 1
    assert learnt and all(float(part.abs().max()) > 0 for part in learnt)


@pytest.mark.parametrize(
    ("ratio", "steps", "warm"), [(0.05, 1, 0), (0.05, 19, 0), (0.05, 20, 1), (0.05, 130, 7), (0.0, 50, 0), (0.9, 1, 0)]
)
def test_a_warm_up_of_less_than_a_step_is_none(ratio: float, steps: int, warm: int) -> None:
    assert warmup_steps(ratio, steps) == warm


def test_clear_mistakes(pairs, tiny_dir, reader, tmp_path) -> None:
    with pytest.raises(UserError, match="empty"):
        train_dpo(_FAST, [], tiny_dir, tmp_path, reader)
    with pytest.raises(UserError, match="no such model"):
        train_dpo(_FAST, pairs, tmp_path / "missing", tmp_path, reader)
    with pytest.raises(UserError, match=r"training pair .*limit is 20.*max_frames"):
        train_dpo(_FAST.model_copy(update={"max_tokens": 20}), pairs, tiny_dir, tmp_path, reader)
    (tmp_path / "file").write_text("")
    with pytest.raises(VideoPastaError, match="cannot write"):
        train_dpo(_FAST, pairs, tiny_dir, tmp_path / "file" / "run", reader)


def test_the_engine_answers_with_the_trained_adapter(pairs, tiny_dir, reader, tmp_path) -> None:
    """Prompt, frames and adapter mean the same to the trainer and to the engine: what was learnt by heart is said."""
    config = TrainingConfig(objective="sft", epochs=30, learning_rate=1e-2)
    result = train_dpo(config, pairs, tiny_dir, tmp_path, reader)
    engine = TransformersEngine(tiny_dir, None, reader)
    asked = [pairs[0], pairs[3]]
    requests = [
        Request(pair.pair_id, pair.prompt, pair.clip, Decoding(max_new_tokens=40), adapter=str(result.adapter))
        for pair in asked
    ]
    replies = {reply.request_id: reply.text for reply in engine.generate(requests)}
    assert replies == {pair.pair_id: pair.chosen for pair in asked}


def test_an_adapter_of_another_base_is_not_overwritten(pairs, tiny_dir, reader, tmp_path) -> None:
    short = _FAST.model_copy(update={"max_steps": 1})
    first = train_dpo(short, pairs[:3], tiny_dir, tmp_path / "run", reader)
    other = save_tiny_model(tmp_path / "tiny", seed=1)
    with pytest.raises(UserError, match=r"run: the folder holds an adapter of tiny@.*Give another output folder"):
        train_dpo(short, pairs[:3], other, tmp_path / "run", reader)
    assert train_dpo(short, pairs[:3], tiny_dir, tmp_path / "run", reader).reused
    elsewhere = train_dpo(short, pairs[:3], other, tmp_path / "other", reader)
    assert elsewhere.run_id != first.run_id


def test_collapsed_rewards_end_the_run_and_the_last_good_adapter_is_kept(pairs, tiny_dir, reader, tmp_path) -> None:
    stop = EarlyStopSettings(patience=2, min_margin=-0.05)
    wild = _FAST.model_copy(
        update={"learning_rate": 100.0, "save_steps": 1, "logging_steps": 1, "early_stop": stop, "warmup_ratio": 0.0}
    )
    with pytest.raises(
        TrainingDivergedError, match=r"rewards collapsed by step 3.*adapter of step 1 is in .*last_good"
    ):
        train_dpo(wild, pairs, tiny_dir, tmp_path, reader)
    assert sorted(path.name for path in (tmp_path / "last_good").iterdir()) == [
        "adapter_config.json",
        "adapter_model.safetensors",
    ]
    assert not (tmp_path / "adapter").exists()
    with pytest.raises(TrainingDivergedError, match="by step 3"):  # it is taken up at the good state, and told again
        train_dpo(wild, pairs, tiny_dir, tmp_path, reader)
    calm = wild.model_copy(update={"learning_rate": 1e-3, "max_steps": 1})
    assert train_dpo(calm, pairs, tiny_dir, tmp_path, reader).steps == 1
    assert not (tmp_path / "last_good").exists()


def test_a_checkpoint_is_written_when_the_last_one_is_old(pairs, tiny_dir, reader, tmp_path, monkeypatch) -> None:
    saved = []
    save = LogCallback.on_save

    def noted(self, args, state, control, **named):
        saved.append(state.global_step)
        return save(self, args, state, control, **named)

    monkeypatch.setattr(LogCallback, "on_save", noted)
    often = _FAST.model_copy(update={"save_steps": 1000, "save_minutes": 1e-6, "max_steps": 3})
    train_dpo(often, pairs, tiny_dir, tmp_path, reader)
    assert saved[:3] == [1, 2, 3]


def test_a_folder_is_one_process_s_at_a_time(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("videopasta_assets.training.result._PATIENCE_SECONDS", 0.3)
    with (
        Workspace(tmp_path).alone(),
        pytest.raises(VideoPastaError, match="another process trains here"),
        Workspace(tmp_path).alone(),
    ):
        pass
    with Workspace(tmp_path).alone():
        pass
