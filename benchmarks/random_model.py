"""Qwen2.5-VL in the shapes of its published sizes, with random weights: speed does not depend on what they say."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch

from videopasta_assets.embedded import MODEL_DIR
from videopasta_assets.torchvision_ops import prepare_torchvision


@dataclass(frozen=True)
class Shape:
    """Sizes of a language model and a vision tower, as their configurations name them."""

    text: Mapping[str, Any]
    vision: Mapping[str, Any]
    tied: bool


_VISION: Final = {
    "depth": 32,
    "hidden_size": 1280,
    "intermediate_size": 3420,
    "num_heads": 16,
    "patch_size": 14,
    "window_size": 112,
    "fullatt_block_indexes": [7, 15, 23, 31],
}
SHAPES: Final = {
    "tiny": Shape(
        {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4, "vocab": 1024},
        {
            **_VISION,
            "depth": 2,
            "hidden_size": 64,
            "intermediate_size": 128,
            "num_heads": 2,
            "fullatt_block_indexes": [1],
        },
        tied=True,
    ),
    "3b": Shape(
        {
            "hidden_size": 2048,
            "intermediate_size": 11008,
            "num_hidden_layers": 36,
            "num_attention_heads": 16,
            "vocab": 151936,
        },
        _VISION,
        tied=True,
    ),
    "7b": Shape(
        {
            "hidden_size": 3584,
            "intermediate_size": 18944,
            "num_hidden_layers": 28,
            "num_attention_heads": 28,
            "vocab": 152064,
        },
        _VISION,
        tied=False,
    ),
}
_KEY_VALUE_HEADS: Final = {"tiny": 2, "3b": 2, "7b": 4}


def save_random_model(folder: Path, name: str, device: str, max_pixels: int) -> Path:
    """Write a model of shape `name`, in bfloat16 (on a CPU float32), with the embedded model's tokenizer.

    Args:
        folder: made here.
        name: of `SHAPES`.
        device: where weights are drawn.
        max_pixels: of all frames of a video together, at most.
    """
    prepare_torchvision()
    from transformers import AutoTokenizer, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLProcessor
    from transformers.models.qwen2_vl.image_processing_qwen2_vl import Qwen2VLImageProcessor
    from transformers.models.qwen2_vl.video_processing_qwen2_vl import Qwen2VLVideoProcessor

    shape = SHAPES[name]
    stored = json.loads((MODEL_DIR / "config.json").read_text())
    tokenizer = AutoTokenizer.from_pretrained(MODEL_DIR)
    text = dict(shape.text)
    vocabulary = text.pop("vocab")
    width = text["hidden_size"] // text["num_attention_heads"]
    sections = [width // 2 - 2 * (3 * width // 16), 3 * width // 16, 3 * width // 16]
    config = Qwen2_5_VLConfig(
        text_config={
            **text,
            "vocab_size": vocabulary,
            "num_key_value_heads": _KEY_VALUE_HEADS[name],
            "max_position_embeddings": 32768,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": sections},
            "bos_token_id": None,
            "eos_token_id": stored["text_config"]["eos_token_id"],
            "pad_token_id": stored["text_config"]["pad_token_id"],
        },
        vision_config={**shape.vision, "out_hidden_size": text["hidden_size"], "tokens_per_second": 2},
        tie_word_embeddings=shape.tied,
        **{key: stored[key] for key in stored if key.endswith("_token_id")},
    )
    torch.manual_seed(0)
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32 if device == "cpu" else torch.bfloat16)
    try:
        with torch.device(device):
            model = Qwen2_5_VLForConditionalGeneration(config)
    finally:
        torch.set_default_dtype(before)
    size = {"shortest_edge": 28 * 28, "longest_edge": max_pixels}
    processor = Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(patch_size=14, size=size),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(patch_size=14, size=size),
        chat_template=(MODEL_DIR / "chat_template.jinja").read_text(),
    )
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
