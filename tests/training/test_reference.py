from dataclasses import replace

import pytest
import torch

from tests.training.tiny_model import make_pairs
from videopasta_assets.engines.feature_store import FeatureStore
from videopasta_assets.training.config import TrainingConfig
from videopasta_assets.training.reference import StoredReference
from videopasta_assets.training.train import train_dpo
from videopasta_assets.video.reader import get_reader


@pytest.fixture(scope="module")
def pairs(video_dir):
    return make_pairs(video_dir / "reference", videos=2, per_video=3)


def test_another_learning_rate_shares_it_and_ends_as_without(pairs, video_dir, tiny_dir, tmp_path) -> None:
    reader = get_reader("auto", [video_dir])
    store = FeatureStore(tmp_path / "store", 10**8)
    first = TrainingConfig(max_steps=1, learning_rate=1e-3)
    train_dpo(first, pairs, tiny_dir, tmp_path / "first", reader, features=store)
    second = first.model_copy(update={"learning_rate": 2e-3})
    events: list = []
    found = train_dpo(second, pairs, tiny_dir, tmp_path / "second", reader, events.append, features=store)
    assert {event["phase"] for event in events} == {"encode", "train", "score"}
    measured = train_dpo(second, pairs, tiny_dir, tmp_path / "third", reader)
    assert found.adapter_hash == measured.adapter_hash
    assert found.metrics == measured.metrics


@pytest.mark.parametrize(
    "change",
    [{"base": "m@2"}, {"decoder": "decord"}, {"pairs": 1}, {"max_side": 32}, {"layout": "plain"}, {"objective": "kto"}],
    ids=str,
)
def test_whatever_decides_it_is_in_its_name(change, pairs, tmp_path) -> None:
    store = FeatureStore(tmp_path, 10**6)
    config = TrainingConfig()
    StoredReference(store, config, "m@1", pairs, "pyav", None).keep(torch.ones(6, 2, dtype=torch.float64))
    same = StoredReference(store, config.model_copy(update={"learning_rate": 1.0}), "m@1", pairs, "pyav", None).load()
    assert same is not None
    assert same.dtype == torch.float64
    other = config.model_copy(update={key: change[key] for key in change if key in TrainingConfig.model_fields})
    told = [replace(pairs[0], chosen="Another."), *pairs[1:]] if "pairs" in change else pairs
    key = (other, change.get("base", "m@1"), told, change.get("decoder", "pyav"), None)
    assert StoredReference(store, *key).load() is None


def test_other_frames_of_the_same_videos_are_not_taken_for_these(pairs, tmp_path) -> None:
    store = FeatureStore(tmp_path, 10**6)
    StoredReference(store, TrainingConfig(), "m@1", pairs, "pyav", None).keep(torch.ones(6, 2))
    fewer = replace(pairs[0].clip.plan, indices=(0, 1), timestamps=pairs[0].clip.plan.timestamps[:2])
    told = [replace(pair, clip=replace(pair.clip, plan=fewer)) for pair in pairs]
    assert StoredReference(store, TrainingConfig(), "m@1", told, "pyav", None).load() is None
