"""The base model of a run: loaded from local files, without foreign code, and identified by its content."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch

from videopasta_assets.errors import UserError
from videopasta_assets.torchvision_ops import prepare_torchvision

_IDENTITY_SUFFIXES: Final = (".safetensors", ".json", ".jinja", ".txt")
_CHUNK: Final = 1 << 22


@dataclass(frozen=True)
class BaseModel:
    """A frozen Video-LLM with its processor; `model_id` is `<folder name>@<hash of its files>`."""

    model: Any
    processor: Any
    model_id: str


def load_base(model_dir: Path, *, precision: str = "auto", device: str = "auto") -> BaseModel:
    """Load a model folder for training, every parameter frozen.

    Raises:
        UserError: there is no model in the folder, or it is no model that reads video.
    """
    prepare_torchvision()
    from transformers import AutoModelForImageTextToText, AutoProcessor

    if not (model_dir / "config.json").is_file():
        raise UserError(
            "no model here: config.json is missing",
            where=str(model_dir),
            fix="Give a folder with a transformers model, or the name of a downloaded one.",
        )
    try:
        processor = AutoProcessor.from_pretrained(model_dir, local_files_only=True)
        model = AutoModelForImageTextToText.from_pretrained(
            model_dir, dtype=_dtype(precision, device), local_files_only=True
        )
    except (ValueError, OSError, KeyError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(
            f"not a Video-LLM that transformers can load: {reason}",
            where=str(model_dir),
            fix="Use an image-text-to-text model saved as safetensors, such as Qwen2.5-VL.",
        ) from error
    model.requires_grad_(False)
    model.config.use_cache = False
    return BaseModel(model=model, processor=processor, model_id=model_id(model_dir))


def model_id(model_dir: Path) -> str:
    """`<folder name>@<16 hex digits>`: equal files give equal identities, wherever they lie."""
    digest = hashlib.blake2b(digest_size=8)
    for path in sorted(model_dir.iterdir()):
        if path.suffix in _IDENTITY_SUFFIXES and path.name not in ("training_log.jsonl",):
            digest.update(path.name.encode())
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK):
                    digest.update(chunk)
    return f"{model_dir.name}@{digest.hexdigest()}"


def use_cpu(device: str) -> bool:
    """Whether a run with this `device` setting stays off the GPU.

    Raises:
        UserError: a GPU is asked for and there is none.
    """
    if device not in ("auto", "cpu", "cuda"):
        raise UserError(f"unknown device {device!r}", where="training.device", fix="Use auto, cpu or cuda.")
    if device == "cuda" and not torch.cuda.is_available():
        raise UserError("no CUDA device is visible", where="training.device", fix="Use auto or cpu.")
    return device == "cpu" or not torch.cuda.is_available()


def _dtype(precision: str, device: str) -> torch.dtype:
    if precision == "auto":
        precision = "float32" if use_cpu(device) or not torch.cuda.is_bf16_supported() else "bfloat16"
    return torch.bfloat16 if precision == "bfloat16" else torch.float32
