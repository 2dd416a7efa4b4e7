"""Loading a model of any family that transformers knows, and saying plainly why one cannot be loaded."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from videopasta_assets.engines.text_positions import count_text_after_videos
from videopasta_assets.errors import UserError
from videopasta_assets.torchvision_ops import prepare_torchvision


@dataclass(frozen=True)
class LoadedModel:
    """A model in evaluation mode with its processor.

    Attributes:
        model: the transformers model; its `generation_config` is blank, so that only requests decide how tokens
            are drawn (published models bring sampling defaults and penalties of their own).
        processor: with `tokenizer`, and with `video_token` and `video_processor` (None where it reads text alone).
        end_ids: tokens that end a reply.
        pad_id: token that fills rows.
        context: the most tokens of prompt and reply together; None if the model does not say.
    """

    model: Any
    processor: Any
    end_ids: tuple[int, ...]
    pad_id: int
    context: int | None


class TextProcessor:
    """A tokenizer in the place of a processor, for models that read text alone (a verifier such as Qwen2.5-32B)."""

    video_token = None
    video_processor = None

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def apply_chat_template(self, messages: Sequence[Mapping[str, Any]], **options: Any) -> str:
        """The tokenizer's chat template; text models take a message's content as one string."""
        plain = [
            {"role": message["role"], "content": "".join(part["text"] for part in message["content"])}
            for message in messages
        ]
        return str(self.tokenizer.apply_chat_template(plain, **options))


def load_processor(model: str | Path, revision: str | None = None) -> Any:
    """The model's processor; of a model that reads text alone, its tokenizer as a `TextProcessor`.

    Raises:
        UserError: no processor there, or the model is neither a Video-LLM nor a language model.
    """
    prepare_torchvision()
    from transformers import (
        MODEL_FOR_CAUSAL_LM_MAPPING,
        MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING,
        AutoConfig,
        AutoProcessor,
        AutoTokenizer,
    )

    try:
        config = AutoConfig.from_pretrained(model, revision=revision or "main", trust_remote_code=False)
        if type(config) not in MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING:
            if type(config) not in MODEL_FOR_CAUSAL_LM_MAPPING:
                raise _takes_no_videos(model, config.model_type)
            return TextProcessor(
                AutoTokenizer.from_pretrained(model, revision=revision or "main", trust_remote_code=False)
            )
        processor = AutoProcessor.from_pretrained(model, revision=revision or "main", trust_remote_code=False)
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise _cannot_load(model, error) from error
    if getattr(processor, "video_token", None) is None or getattr(processor, "video_processor", None) is None:
        raise _takes_no_videos(model, type(processor).__name__)
    if getattr(processor.video_processor, "cap_pixels_per_frame", False) is None:
        # Undecided, Qwen2-VL's processor warns. At the few frames of a plan the cap never applies.
        processor.video_processor.cap_pixels_per_frame = False
    return processor


def load_model(
    model: str | Path, revision: str | None, device: str, dtype: str, quantization: Any = None
) -> LoadedModel:
    """Load weights (safetensors only, never remote code) and processor.

    Args:
        model: a folder or a name on the hub.
        revision: branch, tag or commit on the hub.
        device: `auto` (the CUDA devices if there are any), or a torch device.
        dtype: `auto` (float32 on a CPU, elsewhere as stored), or a torch dtype's name.
        quantization: configuration of transformers by which linears are quantized while loading; None: they are not.

    Raises:
        UserError: no such model, one that writes no text, or a device or dtype that does not exist here.
    """
    place = _device(device)
    processor = load_processor(model, revision)
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, GenerationConfig

    family = AutoModelForCausalLM if isinstance(processor, TextProcessor) else AutoModelForImageTextToText
    try:
        with _quiet():
            loaded = family.from_pretrained(
                model,
                revision=revision or "main",
                dtype=_dtype(dtype, place),
                device_map=place,
                use_safetensors=True,
                trust_remote_code=False,
                attn_implementation="sdpa",
                **({} if quantization is None else {"quantization_config": quantization}),
            ).eval()
    except (OSError, ValueError, KeyError, ImportError, AssertionError) as error:
        raise _cannot_load(model, error) from error
    tokenizer = processor.tokenizer
    end_ids = _end_ids(loaded.generation_config.eos_token_id, tokenizer.eos_token_id)
    pad_id = end_ids[0] if tokenizer.pad_token_id is None else tokenizer.pad_token_id
    count_text_after_videos(loaded)
    loaded.generation_config = GenerationConfig(eos_token_id=list(end_ids), pad_token_id=pad_id)
    text_config = loaded.config.get_text_config()
    return LoadedModel(loaded, processor, end_ids, pad_id, getattr(text_config, "max_position_embeddings", None))


@contextmanager
def _quiet() -> Iterator[None]:
    """Without transformers' progress bars: they would break the lines of whoever reports progress around us."""
    from transformers.utils import logging

    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def _device(device: str) -> str:
    if device == "auto":
        if not torch.cuda.is_available():
            return "cpu"
        return "auto" if torch.cuda.device_count() > 1 else "cuda"
    try:
        kind = torch.device(device).type
    except RuntimeError as error:
        raise UserError(f"{device!r} is no device", fix="Use auto, cpu, cuda or cuda:<number>.") from error
    if kind == "cuda" and not torch.cuda.is_available():
        raise UserError(f"device {device!r} asked for, but torch sees no CUDA device", fix="Use device: auto or cpu.")
    return device


def _dtype(dtype: str, device: str) -> Any:
    if dtype == "auto":
        # A CPU computes in float32 anyway; half precision there is slower and loses exactness for nothing.
        return torch.float32 if device == "cpu" else "auto"
    found = getattr(torch, dtype, None)
    if not isinstance(found, torch.dtype):
        raise UserError(f"{dtype!r} is no dtype", fix="Use auto, float32, bfloat16 or float16.")
    return found


def _end_ids(*ids: int | list[int] | None) -> tuple[int, ...]:
    found: dict[int, None] = {}
    for some in ids:
        found.update(dict.fromkeys([some] if isinstance(some, int) else some or []))
    if not found:
        raise UserError("the model names no token that ends a reply", fix="Set eos_token in its tokenizer.")
    return tuple(found)


def _takes_no_videos(model: str | Path, kind: str) -> UserError:
    return UserError(
        f"the model ({kind}) takes no videos",
        where=str(model),
        fix="Use a Video-LLM such as Qwen2.5-VL, Qwen3-VL or LLaVA-OneVision.",
    )


def _cannot_load(model: str | Path, error: Exception) -> UserError:
    lines = (line.strip() for line in str(error).splitlines())
    reason = next((line.split(". ")[0] for line in lines if line), type(error).__name__)
    return UserError(
        f"the model cannot be loaded: {reason}",
        where=str(model),
        fix="Give the folder of a Video-LLM with safetensors, or a name on the hub that this machine can reach.",
    )
