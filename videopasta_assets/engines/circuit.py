"""A circuit breaker: when a server gives no good answer any more, nothing further is asked of it.

An outage is no property of the requests that met it. So it ends the run, with what is left still to do, instead of
writing an error into thousands of rows that nobody would compute again.
"""

import time
from collections.abc import Callable
from typing import Final

from videopasta_assets.engines.fault import ITS_OWN, FaultKind, ServerFault

_FEWEST_FAULTS: Final = 5
_MOST_GIVEN_UP: Final = 8


class Circuit:
    """Watches the attempts at one server.

    It opens when no good answer came for `patience` seconds over several failed attempts, or when several requests
    in a row were given up, each after all of its tries.

    Args:
        patience: seconds.
        clock: seconds from anywhere; tests bring their own.
    """

    def __init__(self, patience: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience = patience
        self._clock = clock
        self._since: float | None = None
        self._faults = 0
        self._given_up = 0
        self._reason: str | None = None

    @property
    def reason(self) -> str | None:
        """Why the circuit is open, in words; None while it is closed."""
        return self._reason

    def succeeded(self) -> None:
        """A good answer came: the server works."""
        self._since, self._faults, self._given_up, self._reason = None, 0, 0, None

    def failed(self, fault: ServerFault, *, alone: bool) -> None:
        """An attempt failed.

        Args:
            fault: how.
            alone: no other attempt is on its way. A server that turns us away while it works on our other
                requests is busy, not broken.
        """
        if fault.kind in ITS_OWN or (fault.kind is FaultKind.OVERLOADED and not alone):
            return
        if fault.retry_after is not None and fault.retry_after > self._patience:
            self._reason = f"asks to wait {fault.retry_after:.0f} s ({fault.what})"
        self._since = self._clock() if self._since is None else self._since
        self._faults += 1
        quiet = self._clock() - self._since
        if self._faults >= _FEWEST_FAULTS and quiet >= self._patience:
            self._reason = f"has given no good answer for {quiet:.0f} s ({fault})"

    def open(self, reason: str) -> None:
        """It is known by other means that the server is gone."""
        self._reason = reason

    def gave_up(self, fault: ServerFault) -> None:
        """A request failed for good, with this fault last."""
        if fault.kind in ITS_OWN:
            return
        self._given_up += 1
        if self._given_up >= _MOST_GIVEN_UP:
            self._reason = f"failed {self._given_up} requests in a row, each for good ({fault})"
