"""Encoding of prompts: cut at the end of the video, equal to the whole."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.engines.contract import TEXTS
from videopasta_assets.engines.inputs import PromptEncoder
from videopasta_assets.engines.loading import load_processor
from videopasta_assets.engines.video_metadata import video_metadata
from videopasta_assets.prompts import Prompt
from videopasta_assets.video.clip import Clip, load_frames
from videopasta_assets.video.plan import FramePlan
from videopasta_assets.video.reader import FrameReader


@pytest.fixture(scope="module")
def encoder(model_folder: Path) -> PromptEncoder:
    return PromptEncoder(load_processor(model_folder))


@pytest.mark.parametrize("system", ["", "be exact"])
@pytest.mark.parametrize("text", [*TEXTS, "\n leading space", "<|video_pad|>", ""])
def test_prefix_and_suffix_are_what_the_processor_makes_of_the_whole(
    encoder: PromptEncoder, model_folder: Path, clips: list[Clip], reader: FrameReader, text: str, system: str
) -> None:
    frames = load_frames(clips[0], reader)
    parts = encoder.text(Prompt(text, system, "t", "0"), video=True)
    prefix, suffix = encoder.prefix(parts.before, frames, clips[0].plan), encoder.suffix(parts.after)
    whole = load_processor(model_folder)(
        text=[parts.before + parts.after],
        videos=[list(frames)],
        video_metadata=[video_metadata(clips[0].plan)],
        do_sample_frames=False,
        return_tensors="pt",
    )
    assert torch.equal(torch.cat([prefix.ids, suffix]), whole["input_ids"][0])
    assert prefix.types is not None
    assert torch.equal(prefix.types, whole["mm_token_type_ids"][0][: len(prefix.ids)])
    assert not whole["mm_token_type_ids"][0][len(prefix.ids) :].any()
    assert torch.equal(prefix.vision["pixel_values_videos"], whole["pixel_values_videos"])
    assert parts.before.index("<|video_pad|>") > (parts.before.index(system) if system else 0)


def test_the_video_comes_before_the_text(encoder: PromptEncoder) -> None:
    parts = encoder.text(Prompt("QUESTION", "SYSTEM", "t", "0"), video=True)
    assert "SYSTEM" in parts.before
    assert "QUESTION" in parts.after
    assert "QUESTION" not in parts.before


def plan(indices: tuple[int, ...], fps: float = 25.0, total: int = 1500) -> FramePlan:
    return FramePlan("dense", indices, tuple(i / fps for i in indices), total, fps, total / fps, "h")


@pytest.mark.parametrize("indices", [tuple(range(23, 1500, 47)), (750,), tuple(range(1500))])
def test_a_whole_planof_the_whole_video_keeps_the_videos_clock(indices: tuple[int, ...]) -> None:
    metadata = video_metadata(plan(indices))
    assert metadata["frames_indices"] == list(indices)
    assert metadata["total_num_frames"] == 1500
    assert metadata["duration"] == pytest.approx(60)


def test_a_window_has_a_clock_of_its_own() -> None:
    window = plan(tuple(range(740, 765)))
    metadata = video_metadata(window)
    seconds_per_frame = metadata["total_num_frames"] / metadata["fps"] / len(window.indices)
    assert seconds_per_frame == pytest.approx(1 / window.sampled_fps)
    assert metadata["frames_indices"] == list(range(25))


def test_the_clock_reaches_the_model(encoder: PromptEncoder, clips: list[Clip], reader: FrameReader) -> None:
    frames = load_frames(clips[1], reader)
    before = encoder.text(Prompt("?", "", "t", "0"), video=True).before
    whole_plan = clips[1].plan
    late = tuple(4 * second for second in whole_plan.timestamps)
    slow = replace(whole_plan, timestamps=late, fps=whole_plan.fps / 4, duration=whole_plan.duration * 4)
    normal, slowed = (encoder.prefix(before, frames, p).vision["second_per_grid_ts"] for p in (clips[1].plan, slow))
    assert float(slowed[0]) == pytest.approx(4 * float(normal[0]))
    assert float(normal[0]) == pytest.approx(2 * 3.0 / 8)
