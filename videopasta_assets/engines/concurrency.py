"""How many requests a server gets at once: more while it copes, half as many when it does not.

Additive increase, multiplicative decrease, as TCP does it (Chiu and Jain 1989): it finds the server's share without
being told, and several clients of one server end up with equal shares. Until the first sign that it has enough, a
server gets twice as many each round (slow start, Jacobson 1988): small work is done before one more a round tells.

A server that queues in silence is noticed by its answers: where a third more of them under way bring no more a second,
each only takes longer (Little's law). Then there are a quarter fewer, and fewer again until that costs answers.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

from videopasta_assets.engines.fault import FaultKind, ServerFault

_START: Final = 8
_SLOWING: Final = frozenset(
    {FaultKind.OVERLOADED, FaultKind.TIMEOUT, FaultKind.SERVER_ERROR, FaultKind.UNREACHABLE, FaultKind.BROKEN_REPLY}
)
_LONG: Final = 4
"""Answers come in waves: a rate is told from several of them."""

_FEWER: Final = 0.75
_WORTH: Final = 1.1
"""A third more requests at once have to bring at least so many times the answers a second."""

_AS_WELL: Final = 0.9
"""A quarter fewer are enough if they bring at least this share of them."""


@dataclass(frozen=True)
class _Round:
    """Answers that came with all slots in use: how many slots, answers a second."""

    limit: int
    rate: float


class AdaptiveConcurrency:
    """Slots for attempts at one server. It lives on one event loop.

    Args:
        most: never more slots than this.
        longest_pause: never wait longer than this because the server asks for it, seconds.
        clock: seconds from anywhere; tests bring their own.
    """

    def __init__(self, most: int, longest_pause: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._longest_pause = longest_pause
        self._clock = clock
        self._limit = float(min(_START, most))
        self._in_flight = 0
        self._paused_until = 0.0
        self._slowed_at = float("-inf")
        self._changed = asyncio.Event()
        self._rounds: list[_Round] = []
        self._came_from: _Round | None = None
        self._starting = True
        self._answers = 0
        self._round_began = clock()

    @property
    def limit(self) -> int:
        """Slots there are now."""
        return int(self._limit)

    @property
    def in_flight(self) -> int:
        """Slots in use."""
        return self._in_flight

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[float]:
        """Wait for a slot, and hold it; gives the time at which it was got."""
        while True:
            if (pause := self._paused_until - self._clock()) > 0:
                await asyncio.sleep(pause)
            elif self._in_flight >= self.limit:
                await self._changed.wait()
            else:
                break
        self._in_flight += 1
        try:
            yield self._clock()
        finally:
            self._in_flight -= 1
            # Whoever waits looks again; who comes later waits for the next change.
            self._changed.set()
            self._changed = asyncio.Event()

    def succeeded(self) -> None:
        """A good answer: one slot more a round of answers, at first twice as many, if the slots there are were used."""
        self._watch()
        if not self._starting and self._came_from is None and self._in_flight >= self.limit // 2:
            self._limit = min(float(self._most), self._limit + 1 / self._limit)

    def _watch(self) -> None:
        """Judge each round of answers in which all slots were in use."""
        if self._in_flight < self.limit:
            self._begin_round()
            return
        self._answers += 1
        if self._answers < self.limit * (1 if self._starting else _LONG):
            return
        lasted = self._clock() - self._round_began
        if lasted > 0:
            self._judge(_Round(self.limit, self._answers / lasted))
        self._begin_round()

    def _judge(self, done: _Round) -> None:
        """Climb while more slots pay; when they did not, go down as long as fewer do as well."""
        if self._starting:
            pays = not self._rounds or done.rate >= _WORTH * self._rounds[-1].rate
            self._rounds.append(done)
            self._starting = pays and done.limit < self._most
            if self._starting:
                self._limit = min(float(self._most), 2 * self._limit)
            return
        if self._came_from is not None:
            if done.rate >= _AS_WELL * self._came_from.rate:
                self._came_from, self._limit = done, max(1.0, _FEWER * self._limit)
            else:
                self._rounds = [done, self._came_from]
                self._limit, self._came_from = float(self._came_from.limit), None
            return
        fewer = [known for known in self._rounds if known.limit <= _FEWER * done.limit]
        self._rounds.append(done)
        if fewer and done.rate < _WORTH * max(known.rate for known in fewer):
            self._came_from, self._limit = done, max(1.0, _FEWER * self._limit)

    def _begin_round(self) -> None:
        self._answers = 0
        self._round_began = self._clock()

    def failed(self, fault: ServerFault, started: float) -> None:
        """A failed attempt that began at `started`: half the slots, once for all attempts of one moment.

        All of them wait for as long as the server asks.
        """
        if fault.retry_after is not None:
            self._paused_until = max(self._paused_until, self._clock() + min(fault.retry_after, self._longest_pause))
        if fault.kind in _SLOWING and started >= self._slowed_at:
            self._rounds, self._came_from, self._starting = [], None, False
            self._limit = max(1.0, self._limit / 2)
            self._slowed_at = self._clock()
