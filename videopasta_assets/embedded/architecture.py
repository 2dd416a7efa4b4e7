"""The embedded model's shape: Qwen2.5-VL of transformers at about a thousandth of its size.

72 px frames in patches of 12, merged 2 x 2: nine tokens for a pair of frames, one for each cell of toyworld's grid.
At 48 px the tower recalled six of ten shapes (model/README.md).
The rotary base is ten thousand: with the usual 1,000,000 most frequencies would not move over a hundred positions, and
with 100 too few stand still for looking a word up by what it is (measured: model/README.md).
"""

# ruff: noqa: E402  # torchvision's operators have to be declared before transformers imports it
from typing import Final

from videopasta_assets.engines.text_positions import count_text_after_videos
from videopasta_assets.torchvision_ops import prepare_torchvision

prepare_torchvision()

from transformers import (
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLProcessor,
    Qwen2VLImageProcessor,
    Qwen2VLVideoProcessor,
)
from transformers import Qwen2_5_VLForConditionalGeneration as EmbeddedModel
from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLTextConfig, Qwen2_5_VLVisionConfig

PIXELS: Final = 72
PATCH: Final = 12
MERGE: Final = 2
TEMPORAL_PATCH: Final = 2
TOKENS_PER_SECOND: Final = 2
DENSE_FRAMES: Final = 16
MEAN: Final = (0.5, 0.5, 0.5)
STD: Final = (0.25, 0.25, 0.25)
VISION_WIDTH: Final = 96
VISION_DEPTH: Final = 3
WIDTH: Final = 160
DEPTH: Final = 5
HEADS: Final = 5

__all__ = ["EmbeddedModel", "build_config", "build_model", "build_processor"]


def build_config(tokenizer: PreTrainedTokenizerFast) -> Qwen2_5_VLConfig:
    def token(name: str) -> int:
        index = tokenizer.convert_tokens_to_ids(name)
        return int(index) if isinstance(index, int) else 0

    vision = Qwen2_5_VLVisionConfig(
        depth=VISION_DEPTH,
        hidden_size=VISION_WIDTH,
        intermediate_size=VISION_WIDTH * 2,
        num_heads=4,
        patch_size=PATCH,
        spatial_merge_size=MERGE,
        temporal_patch_size=TEMPORAL_PATCH,
        tokens_per_second=TOKENS_PER_SECOND,
        window_size=PIXELS,
        out_hidden_size=WIDTH,
        fullatt_block_indexes=list(range(VISION_DEPTH)),
        initializer_range=0.04,
    )
    text = Qwen2_5_VLTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=WIDTH * 5 // 2,
        num_hidden_layers=DEPTH,
        num_attention_heads=HEADS,
        num_key_value_heads=HEADS,
        max_position_embeddings=4096,
        initializer_range=0.04,
        rope_parameters={"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [8, 4, 4]},
        bos_token_id=None,
        eos_token_id=token("<|im_end|>"),
        pad_token_id=token("<|endoftext|>"),
        tie_word_embeddings=True,
    )
    return Qwen2_5_VLConfig(
        text_config=text.to_dict(),
        vision_config=vision.to_dict(),
        image_token_id=token("<|image_pad|>"),
        video_token_id=token("<|video_pad|>"),
        vision_start_token_id=token("<|vision_start|>"),
        vision_end_token_id=token("<|vision_end|>"),
        tie_word_embeddings=True,
        initializer_range=0.04,
    )


def build_model(tokenizer: PreTrainedTokenizerFast) -> EmbeddedModel:
    """A freshly initialised model; call `torch.manual_seed` before."""
    model = EmbeddedModel(build_config(tokenizer))
    model.generation_config.eos_token_id = tokenizer.eos_token_id
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    count_text_after_videos(model)
    return model


def build_processor(tokenizer: PreTrainedTokenizerFast) -> Qwen2_5_VLProcessor:
    """The processor that the model expects: no resizing above 72 x 72 pixels' worth, plain normalisation."""
    shared = {
        "size": {"shortest_edge": PIXELS * PIXELS // 2, "longest_edge": PIXELS * PIXELS},
        "patch_size": PATCH,
        "temporal_patch_size": TEMPORAL_PATCH,
        "merge_size": MERGE,
        "image_mean": list(MEAN),
        "image_std": list(STD),
    }
    return Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(**shared),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(**shared, do_sample_frames=False, cap_pixels_per_frame=False),
        chat_template=tokenizer.chat_template,
    )
