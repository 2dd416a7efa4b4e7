"""Generation by a vLLM server of ours: the OpenAI engine, with somebody who starts and stops its server."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Final

from videopasta_assets.config.serving import ServerSettings, VllmSettings
from videopasta_assets.engines.identity import own_server_identity
from videopasta_assets.engines.openai_engine import OpenAIEngine
from videopasta_assets.engines.picture_store import PictureStore
from videopasta_assets.engines.protocol import EngineError, Reply, Request
from videopasta_assets.engines.server import Traffic
from videopasta_assets.engines.vllm_environment import find_environment, one_adapter_at_a_time, serve_arguments
from videopasta_assets.engines.vllm_process import Devices, VllmProcess, no_devices
from videopasta_assets.video.reader import FrameReader

_log: Final = logging.getLogger(__name__)


class VllmServerEngine:
    """Answers requests by a server that it starts on the first of them.

    Processes that want the same model with the same settings share one server; it is stopped when the last of them
    closes its engine, and `idle_seconds` after the last one ended without.

    Args:
        model: a folder or a name on the hub.
        revision: branch, tag or commit on the hub.
        reader: decodes the frames of clips.
        server: how frames and schemas are sent, and how patient to be.
        vllm: where vLLM is, and how it serves.
        max_side: longest side of a frame in pixels that is sent; None: as stored.
        pictures: where encoded frames are kept, for other roles and runs; None: nowhere.
        devices: gives the server its GPUs when it is started.

    Raises:
        UserError: no vLLM here, or no such model.
    """

    def __init__(
        self,
        model: str | Path,
        revision: str | None,
        reader: FrameReader,
        *,
        server: ServerSettings,
        vllm: VllmSettings,
        max_side: int | None = None,
        pictures: PictureStore | None = None,
        devices: Devices = no_devices,
    ) -> None:
        environment = find_environment(vllm)
        self._one_adapter = environment.cpu
        self._gpus = 0 if environment.cpu else vllm.gpus
        self._model_id = own_server_identity(model, revision, server)
        self._model = model
        self._revision = revision
        self._reader = reader
        self._server = server
        self._max_side = max_side
        self._pictures = pictures
        name = server.model or Path(model).name
        command = serve_arguments(environment, model, revision, name=name, server=server, settings=vllm)
        variables = environment.variables(offline=Path(model).is_dir())
        self._name = name
        self._process = VllmProcess(
            command, variables, vllm.start_seconds, vllm.idle_seconds, self._model_id, devices=devices
        )
        self._client: OpenAIEngine | None = None
        self._address: tuple[str, str] | None = None
        self._closed = False

    @property
    def model_id(self) -> str:
        """`name@revision`, with `+...` for what the way of asking changes."""
        return self._model_id

    @property
    def traffic(self) -> Traffic:
        """What went over the wire so far."""
        return Traffic.none() if self._client is None else self._client.traffic

    @property
    def log(self) -> Path:
        """What the server says."""
        return self._process.log

    def generate(self, requests: Iterable[Request]) -> Iterator[Reply]:
        """Yield a reply a request, in the order of arrival; nothing is started for none.

        Raises:
            UserError: an adapter that does not exist, or that the server does not load.
            EngineError: the server does not come up or ended, or the engine is closed.
        """
        if self._closed:
            raise EngineError("the engine is closed; build a new one")
        for some in one_adapter_at_a_time(requests) if self._one_adapter else [requests]:
            stream = iter(some)
            if (first := next(stream, None)) is not None:
                for reply in self._running().generate(chain((first,), stream)):
                    yield replace(reply, gpus=self._gpus)

    def close(self) -> None:
        """Let go of the server; the last user stops it."""
        self._closed = True
        if self._client is not None:
            self._client.close()
            self._client = None
        self._process.release()

    def _running(self) -> OpenAIEngine:
        if self._process.ended() is not None:
            _log.warning("starting vLLM for %s; its log is %s", self._model_id, self.log)
        address = self._process.ensure()
        if self._client is None or address != self._address:
            if self._client is not None:
                self._client.close()
            base_url, key = self._address = address
            self._client = OpenAIEngine(
                self._model,
                self._revision,
                self._reader,
                server=self._server.model_copy(update={"base_url": base_url, "model": self._name}),
                max_side=self._max_side,
                pictures=self._pictures,
                key=key,
                ended=self._process.ended,
            )
        return self._client
