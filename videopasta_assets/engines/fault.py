"""What can go wrong between us and a server, by kind: which kinds a retry can mend, and which one cannot."""

import re
from enum import StrEnum
from typing import Final

import httpx2

from videopasta_assets.engines.context_length import is_too_long
from videopasta_assets.errors import VideoPastaError

_SHOWN_CHARACTERS: Final = 300
_SECRET: Final = re.compile(r"(?i)(bearer\s+|\bsk-)[A-Za-z0-9._*\-]{4,}")


class FaultKind(StrEnum):
    """Kinds of failed attempts; an error row's text begins with its kind."""

    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    BROKEN_REPLY = "broken_reply"
    EMPTY = "empty_reply"
    ENDLESS = "endless_reply"
    REFUSED = "refused"
    TOO_LONG = "too_long"
    FILTERED = "filtered"


RETRIED: Final = frozenset(FaultKind) - {FaultKind.REFUSED, FaultKind.TOO_LONG, FaultKind.FILTERED}
"""Kinds that may pass. A generation changes nothing on the server, so it can always be asked for again."""

NEVER_TRIED: Final = frozenset({FaultKind.UNREACHABLE, FaultKind.OVERLOADED})
"""Kinds where no model has seen the request: they do not count against the request's tries."""

ITS_OWN: Final = frozenset({FaultKind.TOO_LONG, FaultKind.FILTERED})
"""Kinds that a request has by itself: they say nothing about the server."""


class ServerFault(VideoPastaError):  # noqa: N818 - a kind of event, not always an error of ours
    """One failed attempt.

    Args:
        kind: what sort of failure.
        what: in words, without secrets.
        retry_after: seconds that the server asks to wait; None: it does not say.
    """

    def __init__(self, kind: FaultKind, what: str, retry_after: float | None = None) -> None:
        self.kind = kind
        self.what = what
        self.retry_after = retry_after
        super().__init__(f"{kind}: {what}")


def transport_fault(error: httpx2.HTTPError | OSError, timeout_seconds: float) -> ServerFault:
    """The fault of a connection that failed before a whole answer was there."""
    if isinstance(error, httpx2.ConnectTimeout | httpx2.PoolTimeout):
        return ServerFault(FaultKind.UNREACHABLE, "no connection in time")
    if isinstance(error, httpx2.TimeoutException | TimeoutError):
        return ServerFault(FaultKind.TIMEOUT, f"no whole answer in {timeout_seconds:g} s")
    if isinstance(error, httpx2.ConnectError | httpx2.ProxyError):
        return ServerFault(FaultKind.UNREACHABLE, _why(error) or "connection refused")
    return ServerFault(FaultKind.BROKEN_REPLY, f"the connection broke ({_why(error) or type(error).__name__})")


def status_fault(status: int, message: str, retry_after: float | None) -> ServerFault:
    """The fault that an HTTP status other than 200 stands for.

    Args:
        status: the status.
        message: the server's own words.
        retry_after: from the header of that name.
    """
    words = f"HTTP {status}{': ' if message else ''}{message}"
    if status == httpx2.codes.TOO_MANY_REQUESTS or (status == httpx2.codes.SERVICE_UNAVAILABLE and retry_after):
        return ServerFault(FaultKind.OVERLOADED, words, retry_after)
    if status in (httpx2.codes.REQUEST_TIMEOUT, httpx2.codes.GATEWAY_TIMEOUT):
        return ServerFault(FaultKind.TIMEOUT, words, retry_after)
    if status >= httpx2.codes.INTERNAL_SERVER_ERROR or status in (httpx2.codes.CONFLICT, httpx2.codes.TOO_EARLY):
        return ServerFault(FaultKind.SERVER_ERROR, words, retry_after)
    if status == httpx2.codes.REQUEST_ENTITY_TOO_LARGE or is_too_long(message):
        return ServerFault(FaultKind.TOO_LONG, words)
    return ServerFault(FaultKind.REFUSED, words)


def without_secrets(text: str, key: str | None) -> str:
    """A server's words on one short line, without our key: some servers repeat it in what they complain about."""
    if key:
        text = text.replace(key, "***")
    line = " ".join(_SECRET.sub(r"\1***", text).split())
    return line if len(line) <= _SHOWN_CHARACTERS else f"{line[: _SHOWN_CHARACTERS - 3]}..."


def _why(error: BaseException) -> str:
    """What the operating system said first, without its number: `connection refused`."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    if isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return re.sub(r"^\[Errno -?\d+\] (Connect call failed.*)?", "", str(error)).strip().lower()
