"""Generation by any OpenAI-compatible server: vLLM's first, others as far as they take images.

What a server cannot be held to, the contract names: seeds and penalties are sent, but a server may ignore them, and
greedy replies are as stable as its batching is.
"""

import logging
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from pathlib import Path
from typing import Final

from videopasta_assets.config.serving import ServerSettings
from videopasta_assets.engines.event_loop import EventLoopThread
from videopasta_assets.engines.fault import ServerFault
from videopasta_assets.engines.identity import served_identity
from videopasta_assets.engines.picture_store import PictureStore
from videopasta_assets.engines.protocol import EngineError, Reply, Request
from videopasta_assets.engines.retry import RetryPolicy
from videopasta_assets.engines.served_model import ServedModel
from videopasta_assets.engines.server import Server, Traffic
from videopasta_assets.engines.suspects import Suspects
from videopasta_assets.errors import VideoPastaError
from videopasta_assets.video.reader import FrameReader

_log: Final = logging.getLogger(__name__)
_AHEAD: Final = 2
_FEW_VIDEOS: Final = 3


class OpenAIEngine:
    """Answers requests over HTTP, as many at once as the server copes with.

    Frames are decoded here, in a thread that works ahead, and travel inside the requests. A failed attempt is made
    again where that can help; a request that fails by itself becomes an error reply, a server that fails ends the
    call with what is left unanswered.

    Args:
        model: a local folder, or the model's name; the server's own name for it is `server.model`, if that is set.
        revision: what the server is known to serve; a part of the model's identity.
        reader: decodes the frames of clips.
        server: where and how.
        max_side: longest side of a frame in pixels that is sent; None: as stored.
        pictures: where encoded frames are kept, for other roles and runs; None: nowhere.
        retry: how failed attempts are repeated; None: as `server` says.
        key: the server's key, where no environment variable holds it.
        ended: asked after a failed attempt how the server ended, where that can be known; None: it did not.

    Raises:
        UserError: the environment variable of the key is not set.
    """

    def __init__(
        self,
        model: str | Path,
        revision: str | None,
        reader: FrameReader,
        *,
        server: ServerSettings,
        max_side: int | None = None,
        pictures: PictureStore | None = None,
        retry: RetryPolicy | None = None,
        key: str | None = None,
        ended: Callable[[], str | None] = lambda: None,
    ) -> None:
        self._model_id = served_identity(model, revision, server)
        self._model = ServedModel(
            server.model or str(model), Server(server, retry, key=key, ended=ended), server, reader, max_side, pictures
        )
        self._loop: EventLoopThread | None = EventLoopThread(f"server {server.base_url}")

    @property
    def model_id(self) -> str:
        """`name@revision`, with `+...` for what the way of asking changes."""
        return self._model_id

    @property
    def traffic(self) -> Traffic:
        """What went over the wire so far."""
        return self._model.server.traffic

    def generate(self, requests: Iterable[Request]) -> Iterator[Reply]:
        """Yield a reply a request, in the order of arrival.

        Raises:
            UserError: the server knows neither key, model nor adapter.
            EngineError: the server is down, or the engine is closed; what was not yielded is not answered.
        """
        if self._loop is None:
            raise EngineError("the engine is closed; build a new one")
        call = _Call(self._model, self._loop, iter(requests))
        try:
            yield from call.replies()
        finally:
            call.cancel()
        _log.info("%s: %s", self._model.address, self.traffic)

    def close(self) -> None:
        """Close the connections and end the threads."""
        if self._loop is not None:
            self._loop.close(self._model.close())
            self._loop = None


class _Call:
    """One call of `generate`."""

    def __init__(self, model: ServedModel, loop: EventLoopThread, stream: Iterator[Request]) -> None:
        self._model = model
        self._loop = loop
        self._stream = stream
        self._ended = False
        self._pending: dict[Future[Reply], Request] = {}
        self._suspects = Suspects()
        self._adapters: dict[str, str] = {}
        self._answered = 0

    def replies(self) -> Iterator[Reply]:
        """All replies, until the stream ends or the server does."""
        self._fill()
        while self._pending or len(self._suspects):
            works = False
            if self._pending:
                for reply in self._arrived():
                    works = works or reply.error is None
                    self._answered += 1
                    yield reply
            else:
                # Nobody else is left to tell whether these failed by themselves.
                if (fault := self._fault_of_a_word()) is not None:
                    raise self._stopped(f"fails the simplest request too ({fault})")
                works = True
            if (outage := self._model.server.circuit.reason) is not None and not self._few_videos_fail():
                raise self._stopped(outage)
            if works:
                for found in self._suspects.server_works():
                    if isinstance(found, Reply):
                        self._answered += 1
                        yield found
                    else:
                        self._submit(found)
            self._fill()

    def cancel(self) -> None:
        """Drop what is under way."""
        for future in self._pending:
            future.cancel()

    def _arrived(self) -> Iterator[Reply]:
        """Replies that are there; a mistake of the user is raised behind them."""
        done, _ = wait(self._pending, return_when=FIRST_COMPLETED)
        mistake: VideoPastaError | None = None
        for future in done:
            request = self._pending.pop(future)
            try:
                reply = future.result()
            except ServerFault as fault:
                self._suspects.hold(request, fault)
            except VideoPastaError as error:
                mistake = error
            else:
                yield reply
        if mistake is not None:
            raise mistake

    def _fill(self) -> None:
        # Requests beyond the server's slots have their frames ready when a slot is free.
        while not self._ended and len(self._pending) < _AHEAD * self._model.server.concurrency.limit:
            request = next(self._stream, None)
            if request is None:
                self._ended = True
            else:
                if not self._answered and not self._pending:
                    self._loop.submit(self._model.check()).result()
                self._submit(request)

    def _submit(self, request: Request) -> None:
        self._pending[self._loop.submit(self._model.answer(request, self._name(request.adapter)))] = request

    def _name(self, adapter: str | None) -> str:
        if adapter is None:
            return self._model.name
        if adapter not in self._adapters:
            try:
                self._adapters[adapter] = self._loop.submit(self._model.adapter_name(adapter)).result()
            except ServerFault as fault:
                raise self._stopped(f"cannot be asked for an adapter ({fault})") from fault
        return self._adapters[adapter]

    def _few_videos_fail(self) -> bool:
        """Whether all failures are about a few videos and the server works otherwise; then the others get their turn.

        Requests come sorted by video: one that breaks the server would stop this run and every later one.
        """
        return self._suspects.subjects <= _FEW_VIDEOS and self._fault_of_a_word() is None

    def _fault_of_a_word(self) -> ServerFault | None:
        """How the server fails when it is asked for one word about nothing; None: it does not."""
        try:
            self._loop.submit(self._model.ping()).result()
        except ServerFault as fault:
            return fault
        return None

    def _stopped(self, why: str) -> EngineError:
        left = len(self._pending) + len(self._suspects) + sum(1 for _ in self._stream)
        return EngineError(
            f"{self._model.address}: the server {why}; {self._answered} requests are answered and kept, {left} are "
            "left. When it works again, `videopasta run` asks only for those."
        )
