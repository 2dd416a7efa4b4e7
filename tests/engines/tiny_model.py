"""Tiny random Video-LLMs and real videos for engine tests. Random weights answer nonsense, but always the same."""

from pathlib import Path
from typing import Any

import av
import numpy as np
import torch

from videopasta_assets.torchvision_ops import prepare_torchvision
from videopasta_assets.video.clip import Clip
from videopasta_assets.video.plan import SamplingSpec, plan_frames
from videopasta_assets.video.probe import probe

SPECIAL = [
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
]
CHAT_TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n"
    "{% for part in message['content'] %}"
    "{% if part['type'] == 'video' %}<|vision_start|><|video_pad|><|vision_end|>{% else %}{{ part['text'] }}{% endif %}"
    "{% endfor %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SENTENCES = [
    "where is the red ball? the red ball is left of the box.",
    "what happens first? the blue cup enters before the green star jumps.",
    "does the same circle return? yes, it returns in the second scene.",
    "user assistant system answer falsely and describe the video in one sentence",
]


def save_tiny_qwen2_5_vl(folder: Path) -> Path:
    """A Qwen2.5-VL of about 80,000 random parameters that `from_pretrained` and vLLM load.

    Its head is 32 wide, as vLLM wants it, and its greedy replies are whole ASCII characters: vLLM holds back bytes that
    may be the beginning of one.
    """
    prepare_torchvision()
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2_5_VLProcessor
    from transformers.models.qwen2_vl.image_processing_qwen2_vl import Qwen2VLImageProcessor
    from transformers.models.qwen2_vl.video_processing_qwen2_vl import Qwen2VLVideoProcessor

    tokenizer = tiny_tokenizer()
    ids = {token: tokenizer.convert_tokens_to_ids(token) for token in SPECIAL}
    config = Qwen2_5_VLConfig(
        text_config={
            "vocab_size": len(tokenizer),
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 1,
            "num_key_value_heads": 1,
            "max_position_embeddings": 512,
            "rope_parameters": {
                "rope_type": "default",
                "mrope_section": [4, 4, 8],
                "rope_theta": 10000.0,
            },
            "bos_token_id": None,
            "eos_token_id": ids["<|im_end|>"],
            "pad_token_id": ids["<|endoftext|>"],
        },
        vision_config={
            "depth": 2,
            "hidden_size": 32,
            "intermediate_size": 64,
            "num_heads": 2,
            "patch_size": 8,
            "out_hidden_size": 32,
            "window_size": 32,
            "fullatt_block_indexes": [1],
            "tokens_per_second": 2,
        },
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=False,
    )
    torch.manual_seed(0)
    model = Qwen2_5_VLForConditionalGeneration(config)
    for parameter in model.parameters():  # large enough that the video and the question change the reply
        if parameter.dim() > 1:
            torch.nn.init.normal_(parameter, std=0.25)
    broken = [i for i in range(len(tokenizer)) if i != ids["<|im_end|>"] and not _is_ascii(tokenizer.decode([i]))]
    model.lm_head.weight.data[broken] = 0.0
    model.generation_config.eos_token_id = ids["<|im_end|>"]
    # Defaults such as published models bring: an engine must not let them through.
    model.generation_config.do_sample = True
    model.generation_config.temperature = 1.5
    model.generation_config.repetition_penalty = 1.3
    size = {"shortest_edge": 32 * 32, "longest_edge": 64 * 64}
    processor = Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(patch_size=8, size=size),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(patch_size=8, size=size),
        chat_template=CHAT_TEMPLATE,
    )
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def _is_ascii(text: str) -> bool:
    return text.isascii() and text.isprintable()


def tiny_tokenizer() -> Any:
    """Byte-level BPE over a few sentences."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        SENTENCES,
        trainers.BpeTrainer(
            vocab_size=400,
            special_tokens=SPECIAL,
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
            show_progress=False,
        ),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        additional_special_tokens=SPECIAL[1:],
        clean_up_tokenization_spaces=False,
    )


_LANGUAGE_MODEL = r".*language_model\.layers\.\d+\.(self_attn\.[qkvo]_proj|mlp\.(gate|up|down)_proj)"


def save_tiny_adapter(model_folder: Path, folder: Path, seed: int = 1, targets: str = _LANGUAGE_MODEL) -> Path:
    """A LoRA adapter, on the language model unless told otherwise, with weights that matter."""
    prepare_torchvision()
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForImageTextToText

    model = AutoModelForImageTextToText.from_pretrained(model_folder)
    tuned = get_peft_model(model, LoraConfig(r=4, lora_alpha=16, lora_dropout=0.5, target_modules=targets))
    torch.manual_seed(seed)
    for name, parameter in tuned.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(parameter, std=0.3)
    tuned.save_pretrained(folder)
    return folder


def write_video(path: Path, seed: int, frames: int = 24, fps: int = 8, side: int = 48) -> Path:
    """A short H.264 MP4: a square that wanders over a coloured background."""
    rng = np.random.default_rng(seed)
    background, colour = rng.integers(0, 255, 3), rng.integers(0, 255, 3)
    at = rng.integers(0, side - 16, 2)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width = stream.height = side
        stream.pix_fmt = "yuv420p"
        for _ in range(frames):
            picture = np.full((side, side, 3), background, np.uint8)
            at = np.clip(at + rng.integers(-4, 5, 2), 0, side - 16)
            picture[at[0] : at[0] + 16, at[1] : at[1] + 16] = colour
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


def clip_of(path: Path, frames: int = 8) -> Clip:
    """The video with `frames` evenly spread frames."""
    info = probe(path, (path.parent,))
    return Clip(info.video_id, path, plan_frames(info, SamplingSpec("count", frames), "dense"))
