"""What engines have done so far, by role: for budgets, and for whoever watches a run."""

import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from videopasta_assets.engines.protocol import Engine, Reply, Request


@dataclass(frozen=True)
class Usage:
    """Sums over replies.

    Attributes:
        answers: replies, errors included.
        prompt_tokens: of prompts, video tokens included.
        completion_tokens: that models wrote.
        cached_tokens: of the prompts' tokens, those that were not computed again.
        told_tokens: prompt tokens of the replies that say how many were cached.
        seconds: engine seconds.
    """

    answers: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    told_tokens: int = 0
    seconds: float = 0.0

    @property
    def tokens(self) -> int:
        """Prompts and completions together."""
        return self.prompt_tokens + self.completion_tokens

    @property
    def hit_rate(self) -> float | None:
        """Share of prompt tokens that came from a prefix cache; None where no engine says."""
        return self.cached_tokens / self.told_tokens if self.told_tokens else None

    def with_reply(self, reply: Reply) -> "Usage":
        """The sums, with one reply more."""
        told = reply.cached_tokens is not None
        return replace(
            self,
            answers=self.answers + 1,
            prompt_tokens=self.prompt_tokens + reply.prompt_tokens,
            completion_tokens=self.completion_tokens + reply.completion_tokens,
            cached_tokens=self.cached_tokens + (reply.cached_tokens or 0),
            told_tokens=self.told_tokens + (reply.prompt_tokens if told else 0),
            seconds=self.seconds + reply.seconds,
        )

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.answers + other.answers,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
            self.cached_tokens + other.cached_tokens,
            self.told_tokens + other.told_tokens,
            self.seconds + other.seconds,
        )


class Meter:
    """The usage of one run. Engines may count from several threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._usage: dict[str, Usage] = {}
        self.started: float | None = None
        """When the first request was sent (`time.monotonic`)."""

    def usage(self, role: str | None = None) -> Usage:
        """Of a role; None for all of them together."""
        with self._lock:
            if role is not None:
                return self._usage.get(role, Usage())
            return sum(self._usage.values(), start=Usage())

    def begin(self) -> None:
        """A request is about to be sent."""
        if self.started is None:
            self.started = time.monotonic()

    def count(self, role: str, reply: Reply) -> None:
        """A reply came."""
        with self._lock:
            self._usage[role] = self._usage.get(role, Usage()).with_reply(reply)


class MeteredEngine:
    """An engine whose replies are counted.

    Args:
        engine: answers.
        role: whose replies they are.
        meter: counts them.
    """

    def __init__(self, engine: Engine, role: str, meter: Meter) -> None:
        self._engine = engine
        self._role = role
        self._meter = meter

    @property
    def model_id(self) -> str:
        """The engine's own."""
        return self._engine.model_id

    def generate(self, requests: Iterable[Request]) -> Iterator[Reply]:
        """The engine's replies."""
        self._meter.begin()
        for reply in self._engine.generate(requests):
            self._meter.count(self._role, reply)
            yield reply

    def close(self) -> None:
        """Close the engine."""
        self._engine.close()
