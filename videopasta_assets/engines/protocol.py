"""What every engine promises: requests in, replies out as they are ready.

An engine never raises for one bad request: that becomes a `Reply` with an `error`, so that the row keeps its
reason and the shard goes on. It raises `EngineError` only when it cannot work at all (no model, no server).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from videopasta_assets.errors import VideoPastaError
from videopasta_assets.prompts import Prompt
from videopasta_assets.video.clip import Clip


class EngineError(VideoPastaError):
    """The engine as a whole cannot answer: it is closed, its server is down."""


class FinishReason(StrEnum):
    """Why generation of one reply ended."""

    STOP = "stop"
    LENGTH = "length"
    ERROR = "error"


@dataclass(frozen=True)
class Decoding:
    """How tokens are drawn. `temperature` 0 is greedy; then `top_p` and the seed do not matter."""

    max_new_tokens: int = 128
    temperature: float = 0.0
    top_p: float = 1.0
    repetition_penalty: float = 1.0


@dataclass(frozen=True)
class Request:
    """One prompt about at most one video.

    `seed` is the row's own: a reply depends on its request alone, never on what else is in its batch.
    `json_schema` is enforced by engines that can; with the others the prompt asks for it and the parser is tolerant.
    `adapter` is a LoRA folder; None is the engine's default, if it has one. With `candidates` nothing is generated: the
    reply is the likeliest of them and says how likely each is; an engine that cannot tell says so in the error.
    """

    request_id: str
    prompt: Prompt
    clip: Clip | None
    decoding: Decoding
    seed: int = 0
    json_schema: dict[str, Any] | None = field(default=None, hash=False)
    adapter: str | None = None
    candidates: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reply:
    """The answer to one request, with what it cost.

    `log_probs` holds, for each candidate of the request, the sum of its tokens' log-probabilities, its end included.

    `completion_tokens` counts the token that ended the reply; `seconds` is the request's share of its batch's time.
    `gpus` is how many GPUs worked on it, 0 on a CPU; `cached_tokens` how many of the prompt's tokens were not computed
    again, because an earlier prompt began alike; both are None where a server does not say.
    """

    request_id: str
    text: str
    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int
    seconds: float
    error: str | None = None
    gpus: int | None = None
    log_probs: tuple[float, ...] = ()
    cached_tokens: int | None = None


@runtime_checkable
class Engine(Protocol):
    """Answers prompts. One implementation a file: `transformers_engine.py`, ..."""

    @property
    def model_id(self) -> str:
        """`name@revision`: what provenance records. Two engines with equal ids give equal greedy answers."""
        ...

    def generate(self, requests: Iterable[Request]) -> Iterator[Reply]:
        """Yield one reply a request, in any order, as soon as each is ready."""
        ...

    def close(self) -> None:
        """Free the model or the connection; the engine may not be used again."""
        ...
