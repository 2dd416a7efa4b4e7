"""One OpenAI-compatible server: what is sent to it, how its faults are taken, and how much it is given at once."""

import asyncio
import email.utils
import json
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import httpx2

from videopasta_assets.config.serving import ServerSettings
from videopasta_assets.engines.chat import ChatAnswer, chat_answer
from videopasta_assets.engines.circuit import Circuit
from videopasta_assets.engines.concurrency import AdaptiveConcurrency
from videopasta_assets.engines.fault import (
    FaultKind,
    ServerFault,
    status_fault,
    transport_fault,
    without_secrets,
)
from videopasta_assets.engines.retry import RetryPolicy, knocking
from videopasta_assets.errors import UserError

_CONNECT_SECONDS: Final = 10.0
_SHORT_CALL_SECONDS: Final = 20.0
_PING_SECONDS: Final = 60.0
_BYTES_A_TOKEN: Final = 64
_BYTES_AROUND: Final = 1 << 20
_HERE: Final = frozenset({"127.0.0.1", "localhost", "::1"})


def names_at(settings: ServerSettings) -> list[str] | None:
    """Names of the models that a server has; None where it cannot list them.

    Raises:
        ServerFault: nobody answers at its address.
        UserError: its key is not set, or is not let in.
    """

    async def ask() -> list[str] | None:
        server = Server(settings)
        try:
            return await server.models()
        finally:
            await server.close()

    return asyncio.run(ask())


@dataclass
class Traffic:
    """What went over the wire, for whoever reports on a run.

    Attributes:
        answers: good answers.
        faults: failed attempts by kind.
        prompt_tokens: of good answers.
        cached_tokens: of those, what the server's prefix cache saved.
    """

    answers: int
    faults: dict[FaultKind, int]
    prompt_tokens: int
    cached_tokens: int

    @classmethod
    def none(cls) -> Self:
        """Nothing yet."""
        return cls(0, {}, 0, 0)


class Server:
    """Answers chat completions, with retries, limits and a circuit breaker. It lives on one event loop.

    Args:
        settings: where it is and how patient to be.
        retry: how failed attempts are repeated; None: as the settings say.
        key: its key, where no environment variable holds it.
        ended: asked after a failed attempt how the server ended, where that can be known; None: it did not.

    Raises:
        UserError: the environment variable of the key is not set.
    """

    def __init__(
        self,
        settings: ServerSettings,
        retry: RetryPolicy | None = None,
        *,
        key: str | None = None,
        ended: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._settings = settings
        self._key = key or _key(settings)
        self._ended = ended
        self._retry = retry or RetryPolicy(settings.attempts)
        self.circuit = Circuit(settings.patience_seconds)
        self.concurrency = AdaptiveConcurrency(settings.max_concurrency, settings.patience_seconds)
        self.traffic = Traffic.none()
        self._client = httpx2.AsyncClient(
            headers={"Accept-Encoding": "identity"} | ({"Authorization": f"Bearer {self._key}"} if self._key else {}),
            # The deadline of a whole answer is ours: a server that sends a byte now and then never times out here.
            timeout=httpx2.Timeout(None, connect=_CONNECT_SECONDS),
            limits=httpx2.Limits(max_connections=settings.max_concurrency + 4),
            trust_env=httpx2.URL(settings.base_url).host not in _HERE,
        )

    async def ask(self, request_id: str, body: dict[str, Any]) -> ChatAnswer:
        """One chat completion, tried again while that can help.

        Raises:
            ServerFault: it failed for good.
            UserError: the server knows neither key nor model.
        """
        content = json.dumps(body).encode()
        most = _BYTES_AROUND + _BYTES_A_TOKEN * int(body["max_tokens"])
        try:
            async for attempt in self._retry.retrying(lambda: self.circuit.reason is not None):
                with attempt:
                    return await self._attempt(request_id, str(body["model"]), content, most)
        except ServerFault as fault:
            self.circuit.gave_up(fault)
            raise
        raise AssertionError("tenacity ends with a result or an error")

    async def ping(self, model: str) -> None:
        """One token from the model, past all limits: whether it generates at all.

        Raises:
            ServerFault: it does not.
            UserError: the server knows neither key nor model.
        """
        body = {"model": model, "messages": [{"role": "user", "content": "ping"}], "max_tokens": 1, "temperature": 0.0}
        content = json.dumps(body).encode()
        try:
            chat_answer("ping", await self._complete(model, content, _BYTES_AROUND, _PING_SECONDS), 0.0)
        except ServerFault as fault:
            if fault.kind is not FaultKind.EMPTY:
                raise
        self.circuit.succeeded()

    async def models(self) -> list[str] | None:
        """Names that the server has, adapters too; None where it cannot list them.

        Raises:
            ServerFault: nobody answers at its address.
            UserError: the server does not know the key.
        """
        try:
            async for attempt in knocking():
                with attempt:
                    answer = await self._exchange("GET", "/models", None, _BYTES_AROUND, _SHORT_CALL_SECONDS)
                    return [str(model["id"]) for model in json.loads(answer)["data"]]
        except ServerFault as fault:
            if fault.kind is FaultKind.UNREACHABLE:
                raise
        except (ValueError, LookupError, TypeError):
            pass
        return None

    async def load_adapter(self, name: str, folder: Path) -> None:
        """Have the server load a LoRA adapter, under `name`.

        Raises:
            ServerFault: it does not.
        """
        content = json.dumps({"lora_name": name, "lora_path": str(folder.resolve())}).encode()
        await self._exchange("POST", "/load_lora_adapter", content, _BYTES_AROUND, self._settings.timeout_seconds)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _attempt(self, request_id: str, model: str, content: bytes, most: int) -> ChatAnswer:
        async with self.concurrency.slot() as started:
            at_once = self.concurrency.in_flight
            begin = time.perf_counter()
            try:
                answer = await self._complete(model, content, most)
                # A reply's time is its share of what the server did meanwhile, as in a batch.
                seconds = (time.perf_counter() - begin) / max(at_once, self.concurrency.in_flight)
                good = chat_answer(request_id, answer, seconds)
            except ServerFault as fault:
                self.traffic.faults[fault.kind] = self.traffic.faults.get(fault.kind, 0) + 1
                self.concurrency.failed(fault, started)
                self.circuit.failed(fault, alone=self.concurrency.in_flight == 1)
                if (how := self._ended()) is not None:
                    self.circuit.open(f"ended: {how}")
                raise
            self.concurrency.succeeded()
            self.circuit.succeeded()
            self.traffic.answers += 1
            self.traffic.prompt_tokens += good.reply.prompt_tokens
            self.traffic.cached_tokens += good.cached_tokens
            return good

    async def _complete(self, model: str, content: bytes, most: int, longest: float = math.inf) -> bytes:
        seconds = min(self._settings.timeout_seconds, longest)
        try:
            return await self._exchange("POST", "/chat/completions", content, most, seconds)
        except _NotFoundError as error:
            names = await self.models()
            raise UserError(
                f"the server knows no model {model!r} ({error})",
                where=self._settings.base_url,
                fix=f"Set server.model to one of: {', '.join(names)}."
                if names
                else "Correct base_url or server.model.",
            ) from error

    async def _exchange(self, method: str, path: str, content: bytes | None, most: int, seconds: float) -> bytes:
        """Send and read, no more than `most` bytes in no more than `seconds`.

        Raises:
            ServerFault: no answer, or one that is no success.
            UserError: the server does not know the key.
        """
        headers = {"Content-Type": "application/json"} if content is not None else {}
        try:
            async with (
                asyncio.timeout(seconds),
                self._client.stream(
                    method, f"{self._settings.base_url}{path}", content=content, headers=headers
                ) as response,
            ):
                answer = bytearray()
                async for chunk in response.aiter_bytes():
                    answer += chunk
                    if len(answer) > most:
                        raise ServerFault(FaultKind.ENDLESS, f"over {most} bytes, cut off")
                status, waits = response.status_code, response.headers.get("retry-after")
        except (httpx2.HTTPError, OSError) as error:
            raise transport_fault(error, seconds) from error
        if status == httpx2.codes.OK:
            return bytes(answer)
        message = without_secrets(_message(bytes(answer)), self._key)
        if status in (httpx2.codes.UNAUTHORIZED, httpx2.codes.FORBIDDEN):
            raise self._not_let_in(status, message)
        if status == httpx2.codes.NOT_FOUND:
            raise _NotFoundError(message or "HTTP 404")
        raise status_fault(status, message, _seconds(waits))

    def _not_let_in(self, status: int, message: str) -> UserError:
        variable = self._settings.api_key_env
        return UserError(
            f"the server does not let us in (HTTP {status}{': ' if message else ''}{message})",
            where=self._settings.base_url,
            fix=f"Put a valid key into the environment variable {variable}."
            if variable
            else "Name the environment variable that holds its key in server.api_key_env.",
        )


class _NotFoundError(ServerFault):
    """HTTP 404: a wrong address, or a name that the server does not know."""

    def __init__(self, what: str) -> None:
        super().__init__(FaultKind.REFUSED, what)


def _key(settings: ServerSettings) -> str | None:
    variable = settings.api_key_env
    if variable is None:
        return None
    key = os.environ.get(variable, "").strip()
    if not key or not key.isascii() or not key.isprintable():
        raise UserError(
            f"the environment variable {variable} {'is no key' if key else 'is not set'}",
            where=f"engine openai, {settings.base_url}",
            fix=f"export {variable}=... with the server's key, or correct server.api_key_env.",
        )
    return key


def _message(answer: bytes) -> str:
    """What a server says about an error, from the forms that servers use."""
    text = answer.decode("utf-8", "replace")
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return text[:1000]
    for name in ("error", "message", "detail"):
        if isinstance(data, dict) and data.get(name):
            data = data[name]
    return data if isinstance(data, str) else json.dumps(data)[:1000]


def _seconds(retry_after: str | None) -> float | None:
    """`Retry-After`: seconds, or a date (RFC 9110, section 10.2.3)."""
    if retry_after is None:
        return None
    try:
        return max(0.0, float(retry_after))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(retry_after).timestamp() - time.time())
    except ValueError:
        return None
