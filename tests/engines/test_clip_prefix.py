"""Stored vision features: the same replies, no second decoding, and never the features of another tower."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from tests.engines.contract import GREEDY, ask_about, texts
from tests.engines.tiny_model import save_tiny_adapter
from videopasta_assets.engines.clip_prefix import takes_features
from videopasta_assets.engines.feature_store import FeatureStore
from videopasta_assets.engines.loading import load_model
from videopasta_assets.engines.transformers_engine import TransformersEngine
from videopasta_assets.video.clip import Clip
from videopasta_assets.video.reader import FrameReader


class CountingReader:
    """Counts what is decoded."""

    def __init__(self, reader: FrameReader) -> None:
        self._reader = reader
        self.name = reader.name
        self.reads = 0

    def read(
        self,
        path: Path,
        indices: Sequence[int],
        *,
        max_side: int | None = None,
        timestamps: Sequence[float] | None = None,
    ) -> NDArray[np.uint8]:
        self.reads += 1
        return self._reader.read(path, indices, max_side=max_side, timestamps=timestamps)


def engine(
    folder: Path, reader: FrameReader, store: FeatureStore | None, adapter: Path | None = None
) -> TransformersEngine:
    return TransformersEngine(folder, None, reader, device="cpu", batch_size=8, features=store, adapter=adapter)


def test_replies_are_the_same_and_no_clip_is_decoded_twice(
    model_folder: Path, reader: FrameReader, clips: list[Clip], tmp_path: Path, adapter_folder: Path
) -> None:
    requests = ask_about(clips, GREEDY, system="be exact")
    counted = CountingReader(reader)
    expected = texts(engine(model_folder, reader, None), requests)
    assert texts(engine(model_folder, counted, FeatureStore(tmp_path, 10**8)), requests) == expected
    assert counted.reads == len(clips)
    assert texts(engine(model_folder, counted, FeatureStore(tmp_path, 10**8)), requests) == expected
    tuned = texts(engine(model_folder, counted, FeatureStore(tmp_path, 10**8), adapter_folder), requests)
    assert counted.reads == len(clips)
    assert tuned == texts(engine(model_folder, reader, None, adapter_folder), requests) != expected


def test_an_adapter_of_the_vision_tower_has_features_of_its_own(
    model_folder: Path, reader: FrameReader, clips: list[Clip], tmp_path: Path
) -> None:
    adapter = save_tiny_adapter(model_folder, tmp_path / "tower", targets=r".*visual\.blocks\.\d+\.mlp\.gate_proj")
    requests = ask_about(clips, GREEDY)
    store = FeatureStore(tmp_path / "store", 10**8)
    base = texts(engine(model_folder, reader, store), requests)
    tuned = texts(engine(model_folder, reader, store, adapter), requests)
    assert tuned == texts(engine(model_folder, reader, None, adapter), requests) != base
    by_request = [replace(request, adapter=str(adapter)) for request in requests]
    assert texts(engine(model_folder, reader, store), by_request) == tuned


def test_frames_of_another_size_are_another_entry(
    model_folder: Path, reader: FrameReader, clips: list[Clip], tmp_path: Path
) -> None:
    counted = CountingReader(reader)
    store = FeatureStore(tmp_path, 10**8)
    for side in (None, 32):
        small = TransformersEngine(model_folder, None, counted, device="cpu", features=store, max_side=side)
        list(small.generate(ask_about(clips[:1], GREEDY)))
    assert counted.reads == 2


def test_features_are_taken_of_a_frozen_tower_of_one_output_only(model_folder: Path) -> None:
    model = load_model(model_folder, None, "cpu", "auto").model
    model.requires_grad_(False)
    assert takes_features(model)
    next(model.model.visual.parameters()).requires_grad_(True)
    assert not takes_features(model)
    model.requires_grad_(False)
    model.config.model_type = "qwen3_vl"
    assert not takes_features(model)


def test_reading_ahead_in_bfloat16_keeps_the_dtype(
    model_folder: Path, reader: FrameReader, clips: list[Clip], tmp_path: Path
) -> None:
    store = FeatureStore(tmp_path, 10**8)
    requests = ask_about(clips[:1], GREEDY)
    half = TransformersEngine(model_folder, None, reader, device="cpu", dtype="bfloat16", features=store)
    once = texts(half, requests)
    again = TransformersEngine(model_folder, None, reader, device="cpu", dtype="bfloat16", features=store)
    assert texts(again, requests) == once
    full = engine(model_folder, reader, store)
    assert store.misses == 1
    assert texts(full, requests) == texts(engine(model_folder, reader, None), requests)
    assert store.misses == 2
    assert {tensor.dtype for tensor in _features(store)} == {torch.bfloat16, torch.float32}


def _features(store: FeatureStore) -> list[torch.Tensor]:
    from safetensors.torch import load_file

    return [load_file(path)["video_features"] for *_, path in store._entries()]
