"""Requests that failed for good, until it is known who is to blame: they, or their server.

While a server is down every request fails, and none of them deserves an error row. So a failure is held back until
the server gives a good answer to something else. Then the request gets a second life; if that fails as well while
the server goes on working, the fault is its own.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from videopasta_assets.engines.fault import ServerFault
from videopasta_assets.engines.protocol import FinishReason, Reply, Request


@dataclass
class Suspects:
    """The failures of one call of `generate`."""

    _held: list[tuple[Request, ServerFault]] = field(default_factory=list)
    _second_life: set[str] = field(default_factory=set)

    def __len__(self) -> int:
        return len(self._held)

    @property
    def subjects(self) -> int:
        """How many videos the held requests are about; a request without a video counts by itself."""
        return len({request.request_id if request.clip is None else request.clip.key for request, _ in self._held})

    def hold(self, request: Request, fault: ServerFault) -> None:
        """Keep a failure back."""
        self._held.append((request, fault))

    def server_works(self) -> Iterator[Request | Reply]:
        """What becomes of all that is held: a request is to be asked again, a reply is its final error."""
        held, self._held = self._held, []
        for request, fault in held:
            if request.request_id in self._second_life:
                yield error_reply(request, str(fault))
            else:
                self._second_life.add(request.request_id)
                yield request


def error_reply(request: Request, error: str) -> Reply:
    """A request that got no answer, with the reason."""
    return Reply(request.request_id, "", FinishReason.ERROR, 0, 0, 0.0, error)
