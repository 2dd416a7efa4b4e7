"""A cap on the tokens of a role: what a run may spend on a model that is paid by the token.

Requests are held back so that what is under way fits into what is left, as far as that can be known: a reply takes at
most `max_new_tokens`, a prompt about as many as the longest one so far.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from videopasta_assets.engines.meter import Meter
from videopasta_assets.engines.protocol import Engine, Reply, Request
from videopasta_assets.errors import UserError

_FIRST: Final = 4


class BudgetedEngine:
    """An engine that stops when its role's budget is spent. What was answered before is the caller's.

    Args:
        engine: answers.
        role: whose budget it is.
        limit: tokens of prompts and completions together, in the time of `meter`: a run.
        meter: knows what the role has spent; whoever counts the replies does it before they are asked for.
    """

    def __init__(self, engine: Engine, role: str, limit: int, meter: Meter) -> None:
        self._engine = engine
        self._role = role
        self._limit = limit
        self._meter = meter
        self._longest_prompt = 0

    @property
    def model_id(self) -> str:
        """The engine's own."""
        return self._engine.model_id

    def generate(self, requests: Iterable[Request]) -> Iterator[Reply]:
        """The engine's replies, while they fit into the budget.

        Raises:
            UserError: it is spent, and there are requests left.
        """
        stream = iter(requests)
        held: list[Request] = []
        under_way: dict[str, int] = {}

        def affordable() -> Iterator[Request]:
            while True:
                request = held.pop() if held else next(stream, None)
                if request is None:
                    return
                most = self._longest_prompt + request.decoding.max_new_tokens
                if not self._longest_prompt and len(under_way) >= _FIRST:
                    held.append(request)
                    return
                if self._meter.usage(self._role).tokens + sum(under_way.values()) + most > self._limit:
                    held.append(request)
                    return
                under_way[request.request_id] = most
                yield request

        while True:
            answered = 0
            for reply in self._engine.generate(affordable()):
                under_way.pop(reply.request_id, None)
                self._longest_prompt = max(self._longest_prompt, reply.prompt_tokens)
                answered += 1
                yield reply
            if not held:
                return
            if not answered:
                raise self._spent(len(held) + sum(1 for _ in stream))

    def close(self) -> None:
        """Close the engine."""
        self._engine.close()

    def _spent(self, left: int) -> UserError:
        usage = self._meter.usage(self._role)
        return UserError(
            f"the token budget is spent: {usage.tokens:,} of {self._limit:,} tokens for {usage.answers:,} answers, and "
            f"{left:,} requests of this step are left; what is answered is kept",
            where=f"roles.{self._role}.token_budget",
            fix="Raise it, or run again: each run has the whole budget, and goes on where this one stopped.",
        )
