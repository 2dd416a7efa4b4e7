"""Prompts that are longer than a model's context: how servers say so, and what we tell the user."""

import re
from typing import Final

from videopasta_assets.engines.protocol import Request

_TOO_LONG: Final = re.compile(
    r"context[ _](length|window)|maximum (context|model|input|prompt) length|max_model_len|too many tokens"
    r"|(prompt|input) (is )?too long|exceeds? .{0,40}(context|tokens)|longer than the maximum",
    re.IGNORECASE,
)


def is_too_long(message: str) -> bool:
    """Whether a server's, or vLLM's, words say that a prompt is longer than the model's context."""
    return _TOO_LONG.search(message) is not None


def too_long(request: Request, reason: str) -> str:
    """Which prompt is too long, and what to lower."""
    where = "the prompt" if request.clip is None else f"the prompt about {request.clip.path.name}"
    return f"{where} is too long ({reason.rstrip('.')}): lower the number of frames, frames.max_side or max_new_tokens"
