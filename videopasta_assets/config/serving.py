"""Settings of models that answer behind a server, ours or anybody's, and of vLLM."""

import re
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from videopasta_assets.config.strict import Settings


class ServerSettings(Settings):
    """An OpenAI-compatible server, vLLM's first (docs/engines.md)."""

    base_url: str = Field(default="http://127.0.0.1:8000/v1", description="Up to and with /v1.")
    replicas: tuple[str, ...] = Field(
        default=(), description="base_url of more servers with the same model: each video keeps to one of them."
    )
    model: str | None = Field(default=None, description="The model's name there; none: the role's `model`.")
    api_key_env: str | None = Field(
        default=None, description="NAME of the environment variable that holds the key; never the key itself."
    )
    frames: Literal["video", "images"] = Field(
        default="video",
        description="video: one video of chosen frames with their times (vLLM); images: a list of images, anywhere.",
    )
    frame_format: Literal["jpeg", "png"] = Field(
        default="jpeg", description="jpeg: quality 95, 4:4:4; png: exact, and three to five times larger."
    )
    structured_output: bool = Field(default=True, description="Send the JSON schema of replies that have one.")
    timeout_seconds: float = Field(default=300, gt=0, description="Longest time for one answer, all of it.")
    attempts: int = Field(default=6, ge=1, le=20, description="Tries a request, before the reply is an error row.")
    patience_seconds: float = Field(
        default=120, gt=0, description="So long without any good answer, the run stops; a later one goes on."
    )
    max_concurrency: int = Field(
        default=32, ge=1, le=1024, description="Requests at once, at most; fewer while the server is overloaded."
    )

    @field_validator("replicas")
    @classmethod
    def _are_plain_urls(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(map(cls._is_a_plain_url, values))

    @field_validator("base_url")
    @classmethod
    def _is_a_plain_url(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("it must begin with http:// or https:// and name a host")
        if parts.username or parts.password or parts.query:
            raise ValueError("no user, password or query in it: name the key's environment variable in api_key_env")
        return value.rstrip("/")

    @field_validator("api_key_env")
    @classmethod
    def _is_a_name(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"[A-Z_][A-Z0-9_]{0,63}", value):
            raise ValueError("the NAME of an environment variable is wanted (capitals, digits, _), not the key")
        return value


class VllmSettings(Settings):
    """vLLM, which runs in an environment of its own (`make vllm-env`, docs/engines.md)."""

    python: Path | None = Field(
        default=None, description="Python of vLLM's environment; none: VIDEOPASTA_VLLM_PYTHON, then .vllm/bin/python."
    )
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        default="auto", description="auto: as the model is stored; float32 on a CPU."
    )
    max_model_len: int | None = Field(
        default=None, ge=16, description="Longest prompt and reply together, in tokens; none: the model's own."
    )
    gpus: int = Field(default=1, ge=1, description="GPUs that one model is spread over (tensor parallel).")
    gpu_memory_utilization: float = Field(default=0.9, gt=0, le=1, description="Share of a GPU's memory it may take.")
    max_lora_rank: int = Field(
        default=16, ge=0, description="Adapters up to this rank are loaded by request; 0: none, slightly faster."
    )
    arguments: tuple[str, ...] = Field(default=(), description="More arguments of `vllm serve`, as they are.")
    start_seconds: float = Field(default=900, gt=0, description="So long may a server take to come up.")
    idle_seconds: float = Field(
        default=60, ge=0, description="A server that no run uses is kept so long for the next one, then stopped."
    )
