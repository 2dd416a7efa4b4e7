"""When a failed attempt is made again: exponential backoff with full jitter."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_random_exponential

from videopasta_assets.engines.fault import NEVER_TRIED, RETRIED, FaultKind, ServerFault

# An empty answer is the model's own more often than a mishap; then it comes again.
_TRIES_FOR_EMPTY: Final = 3


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how slowly.

    The wait before try n + 1 is drawn evenly from [0, min(longest, first * 2**(n - 1))]: full jitter, so that
    requests which failed together do not come back together.

    Attributes:
        attempts: tries that a model may have seen, for one request.
        first: bound of the first wait, seconds.
        longest: bound of every wait, seconds.
    """

    attempts: int = 6
    first: float = 0.5
    longest: float = 20.0

    def retrying(self, hopeless: Callable[[], bool]) -> AsyncRetrying:
        """The retries of one request. A fault that no retry mends, or one too many, is raised as it is.

        Args:
            hopeless: whether to stop at once: the server is down.
        """
        seen: list[FaultKind] = []

        def stop(state: RetryCallState) -> bool:
            fault = _fault(state)
            if hopeless():
                return True
            if fault is None or fault.kind in NEVER_TRIED:
                return False
            seen.append(fault.kind)
            return len(seen) >= self.attempts or seen.count(FaultKind.EMPTY) >= _TRIES_FOR_EMPTY

        return AsyncRetrying(
            stop=stop,
            wait=wait_random_exponential(multiplier=self.first, max=self.longest),
            retry=retry_if_exception(lambda error: isinstance(error, ServerFault) and error.kind in RETRIED),
            reraise=True,
        )


def knocking(tries: int = 3) -> AsyncRetrying:
    """Tries, a moment apart, to find anybody at an address."""
    return AsyncRetrying(
        stop=stop_after_attempt(tries),
        wait=wait_random_exponential(multiplier=0.3, max=1.0),
        retry=retry_if_exception(lambda error: isinstance(error, ServerFault) and error.kind is FaultKind.UNREACHABLE),
        reraise=True,
    )


def _fault(state: RetryCallState) -> ServerFault | None:
    error = state.outcome.exception() if state.outcome is not None else None
    return error if isinstance(error, ServerFault) else None
