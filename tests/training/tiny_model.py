"""A tiny random Qwen2.5-VL with its processor, and short real videos: what the training tests run on."""

from pathlib import Path

import av
import numpy as np
import torch

from tests.engines.tiny_model import CHAT_TEMPLATE, SPECIAL, clip_of, tiny_tokenizer
from videopasta_assets.prompts import Prompt
from videopasta_assets.taxonomy import FailureMode
from videopasta_assets.torchvision_ops import prepare_torchvision
from videopasta_assets.training.pairs import TrainingPair


def save_tiny_model(folder: Path, seed: int = 0, dtype: torch.dtype = torch.float32) -> Path:
    """Save a model of some ten thousand parameters; larger initial weights than usual, so that prompts matter."""
    prepare_torchvision()
    from transformers import (
        Qwen2_5_VLConfig,
        Qwen2_5_VLForConditionalGeneration,
        Qwen2_5_VLProcessor,
        Qwen2VLImageProcessor,
        Qwen2VLVideoProcessor,
    )

    tokenizer = tiny_tokenizer()
    size = {"shortest_edge": 32 * 32, "longest_edge": 8 * 32 * 32}
    vision = {"patch_size": 8, "temporal_patch_size": 2, "merge_size": 2, "size": size}
    Qwen2_5_VLProcessor(
        Qwen2VLImageProcessor(**vision), tokenizer, Qwen2VLVideoProcessor(**vision), chat_template=CHAT_TEMPLATE
    ).save_pretrained(folder)
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in SPECIAL}
    torch.manual_seed(seed)
    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "num_key_value_heads": 1,
            "max_position_embeddings": 2048,
            "initializer_range": 0.15,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e4, "mrope_section": [2, 3, 3]},
            "tie_word_embeddings": True,
            "bos_token_id": None,
            "eos_token_id": ids["<|im_end|>"],
            "pad_token_id": ids["<|endoftext|>"],
        },
        vision_config={
            "depth": 2,
            "hidden_size": 16,
            "intermediate_size": 24,
            "num_heads": 2,
            "out_hidden_size": 32,
            "patch_size": 8,
            "spatial_merge_size": 2,
            "temporal_patch_size": 2,
            "window_size": 32,
            "fullatt_block_indexes": [1],
            "tokens_per_second": 2,
            "initializer_range": 0.15,
        },
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=True,
    )
    model = Qwen2_5_VLForConditionalGeneration(config).to(dtype)
    model.generation_config.eos_token_id = ids["<|im_end|>"]
    model.generation_config.pad_token_id = ids["<|endoftext|>"]
    model.save_pretrained(folder, safe_serialization=True)
    return folder


def write_video(path: Path, seed: int, frames: int = 12, size: tuple[int, int] = (48, 32), fps: int = 6) -> Path:
    """A short H.264 file of moving colour noise."""
    rng = np.random.default_rng(seed)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for index in range(frames):
            picture = np.roll(rng.integers(0, 256, (size[1], size[0], 3), dtype=np.uint8) // 4 * 3, index, axis=1)
            for packet in stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path


_QUESTIONS = ("What moves first?", "Where is the red square at the end of the video?")
_CHOSEN = ("The red square moves first.", "It is left of the blue disc.")
_REJECTED = ("Nothing moves.", "It is far right of the blue disc.", "Both move at once.")


def make_pairs(folder: Path, videos: int = 2, per_video: int = 4, system: str = "") -> list[TrainingPair]:
    """Pairs over real files, modes in turn, several about one question, of unequal lengths."""
    folder.mkdir(parents=True, exist_ok=True)
    modes = list(FailureMode)
    pairs = []
    for video in range(videos):
        size = (48, 32) if video % 2 == 0 else (64, 32)
        clip = clip_of(write_video(folder / f"v{video}.mp4", video, size=size))
        for index in range(per_video):
            query = index // 3 % 2
            pairs.append(
                TrainingPair(
                    pair_id=f"{video}-{index}",
                    clip=clip,
                    prompt=Prompt(_QUESTIONS[query], system, "aligned/spatial", "h"),
                    chosen=_CHOSEN[query],
                    rejected=_REJECTED[index % 3] + " Yes." * (index // 6),
                    mode=modes[(video + index) % 3],
                )
            )
    return pairs
