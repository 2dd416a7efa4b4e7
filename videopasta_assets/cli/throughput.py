"""One line on how fast a run is and what its pairs cost: from what engines have answered so far."""

import time
from collections.abc import Callable
from typing import Final

from videopasta_assets.engines.meter import Meter

PAIRS_TABLE: Final = "verified_pairs"
"""The table whose rows are the pairs."""

_LEAST_ANSWERS: Final = 10
"""Before so many answers a guess at the time that is left would only jump about."""


class Throughput:
    """Turns the meter of a run into words.

    Args:
        meter: counts answers and tokens.
        expected: answers that the plan expects; 0 where it cannot tell.
        clock: seconds from anywhere; tests bring their own.
    """

    def __init__(self, meter: Meter, expected: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self._meter = meter
        self._expected = expected
        self._clock = clock
        self._pairs = 0
        self._pairs_of_shard = 0

    def report(self, table: str, done: int) -> None:
        """`done` rows of `table` are computed in this shard."""
        if table != PAIRS_TABLE:
            self._pairs_of_shard = 0
            return
        self._pairs += done - self._pairs_of_shard
        self._pairs_of_shard = done

    def line(self) -> str:
        """Pairs and tokens a second, the prefix cache's share, what a pair costs, and the time that is left.

        Empty before the first answer. What is not known yet is left out.
        """
        usage, started = self._meter.usage(), self._meter.started
        if started is None or not usage.answers:
            return ""
        elapsed = max(self._clock() - started, 1e-9)
        parts = []
        if self._pairs:
            parts.append(f"{_figure(self._pairs / elapsed)} pairs/s")
        parts.append(f"{_figure(usage.tokens / elapsed)} tokens/s")
        if usage.hit_rate is not None:
            parts.append(f"{100 * usage.hit_rate:.0f} % of prompt tokens cached")
        if self._pairs:
            cost = f"{usage.tokens / self._pairs:,.0f} tokens and {_figure(usage.seconds / self._pairs)} engine-seconds"
            parts.append(f"a pair costs {cost}")
        if usage.answers >= _LEAST_ANSWERS and self._expected > usage.answers:
            left = (self._expected - usage.answers) * elapsed / usage.answers
            parts.append(f"about {_duration(left)} left")
        return ", ".join(parts)


def _figure(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes / 60:.1f} h"
