"""The base model of a run, frozen, loaded as the engines load it."""

import importlib.util
from pathlib import Path
from typing import Any

import torch

from videopasta_assets.engines.loading import LoadedModel, load_model
from videopasta_assets.errors import UserError
from videopasta_assets.training.config import TrainingConfig
from videopasta_assets.training.ranks import world_size


def load_base(model: str | Path, config: TrainingConfig) -> LoadedModel:
    """Load a model for training, every parameter frozen.

    Raises:
        UserError: no such model, one without video input, a GPU is asked for and there is none, or one process sees
            several.
    """
    if world_size() == 1 and not uses_cpu(config) and torch.cuda.device_count() > 1:
        raise UserError(
            f"{torch.cuda.device_count()} GPUs are visible, one process trains on one",
            where="CUDA_VISIBLE_DEVICES",
            fix="Make one visible, for example CUDA_VISIBLE_DEVICES=0, or start a process a GPU (trainer.processes, "
            "or accelerate launch).",
        )
    place = "cpu" if uses_cpu(config) else "cuda"
    dtype = "bfloat16" if uses_bfloat16(config) else "float32"
    loaded = load_model(model, None, place, dtype, _quantization(config))
    network: Any = loaded.model
    network.requires_grad_(False)
    network.config.use_cache = False
    return loaded


def _quantization(config: TrainingConfig) -> Any:
    """How the language model's linears are held (QLoRA, Dettmers et al., arXiv 2305.14314); the tower stays whole."""
    if config.quantization == "none":
        return None
    if importlib.util.find_spec("bitsandbytes") is None:
        raise UserError(
            "quantization nf4 needs the package bitsandbytes, which is not installed",
            where="training.quantization",
            fix="Run `pip install bitsandbytes`, or use none.",
        )
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16 if uses_bfloat16(config) else torch.float32,
        llm_int8_skip_modules=[".*visual", "lm_head"],
    )


def uses_cpu(config: TrainingConfig) -> bool:
    """Whether the run stays off the GPU.

    Raises:
        UserError: a GPU is asked for and there is none.
    """
    if config.device == "cuda" and not torch.cuda.is_available():
        raise UserError("no CUDA device is visible", where="training.device", fix="Use auto or cpu.")
    return config.device == "cpu" or not torch.cuda.is_available()


def uses_bfloat16(config: TrainingConfig) -> bool:
    """Whether the base is held and computed in bfloat16."""
    if config.precision == "auto":
        return not uses_cpu(config) and torch.cuda.is_bf16_supported()
    return config.precision == "bfloat16"
