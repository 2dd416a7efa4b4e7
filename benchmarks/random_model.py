"""Qwen2.5-VL in the shapes of its published sizes, with random weights: speed does not depend on what they say."""

import json
from pathlib import Path
from typing import Final

import torch

from videopasta_assets.embedded import MODEL_DIR
from videopasta_assets.torchvision_ops import prepare_torchvision
from videopasta_assets.training.shapes import SHAPES as PUBLISHED
from videopasta_assets.training.shapes import LanguageShape, ModelShape, VisionShape

SHAPES: Final = {
    "tiny": ModelShape(
        LanguageShape(64, 128, 2, 4, kv_heads=2, head_size=16, vocabulary=1024, tied=True),
        VisionShape(64, 128, 2, 2, patch=14, stack=2, merge=2, window=112, global_layers=1, out=64),
    ),
    **PUBLISHED,
}


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
    language, vision = shape.language, shape.vision
    sections = [language.head_size // 2 - 2 * (3 * language.head_size // 16), *[3 * language.head_size // 16] * 2]
    step = vision.layers // vision.global_layers
    config = Qwen2_5_VLConfig(
        text_config={
            "hidden_size": language.hidden,
            "intermediate_size": language.inner,
            "num_hidden_layers": language.layers,
            "num_attention_heads": language.heads,
            "num_key_value_heads": language.kv_heads,
            "vocab_size": language.vocabulary,
            "max_position_embeddings": 32768,
            "rope_parameters": {"rope_type": "default", "rope_theta": 1e6, "mrope_section": sections},
            "bos_token_id": None,
            "eos_token_id": stored["text_config"]["eos_token_id"],
            "pad_token_id": stored["text_config"]["pad_token_id"],
        },
        vision_config={
            "depth": vision.layers,
            "hidden_size": vision.hidden,
            "intermediate_size": vision.inner,
            "num_heads": vision.heads,
            "patch_size": vision.patch,
            "window_size": vision.window,
            "fullatt_block_indexes": [*range(step - 1, vision.layers, step)],
            "out_hidden_size": vision.out,
            "tokens_per_second": 2,
        },
        tie_word_embeddings=language.tied,
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
