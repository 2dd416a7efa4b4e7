"""A model behind a server: requests with their frames go out, replies and mistakes come back."""

import asyncio
import re
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from videopasta_assets.config.serving import ServerSettings
from videopasta_assets.engines.chat import chat_body
from videopasta_assets.engines.context_length import too_long
from videopasta_assets.engines.fault import ITS_OWN, FaultKind, ServerFault
from videopasta_assets.engines.frame_payload import ENCODING, FramePayload, encoded_frames, payload_of
from videopasta_assets.engines.identity import adapter_identity
from videopasta_assets.engines.picture_store import PictureStore
from videopasta_assets.engines.protocol import EngineError, Reply, Request
from videopasta_assets.engines.server import Server
from videopasta_assets.engines.suspects import error_reply
from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.hashing import stable_hash
from videopasta_assets.video.clip import Clip, load_frames
from videopasta_assets.video.reader import FrameReader, parallel_reads

_CLIPS_KEPT: Final = 16
# vLLM's and others' words for a model that reads text alone, or a server that is told to let no video in.
_BLIND: Final = re.compile(
    r"not a multimodal model|at most 0 (video|image)"
    r"|(video|image|multimodal|vision)\S* (input\S* )?(is|are) not supported"
    r"|(does not|doesn't|cannot) (support|accept|take|process) \S{0,20} ?(video|image|multimodal|vision)"
    r"|(unknown|invalid|unsupported) (part|content|message)? ?(type|part|item)\S*:? \W*(video|image)_url",
    re.IGNORECASE,
)


class ServedModel:
    """One model of one server. All its coroutines run on one event loop.

    Args:
        name: the server's name of the model.
        server: answers.
        settings: how frames and schemas are sent.
        reader: decodes the frames of clips.
        max_side: longest side of a frame in pixels that is sent; None: as stored.
        pictures: where encoded frames are kept, for other roles and runs; None: nowhere.
    """

    def __init__(
        self,
        name: str,
        server: Server,
        settings: ServerSettings,
        reader: FrameReader,
        max_side: int | None,
        pictures: PictureStore | None = None,
    ) -> None:
        self.name = name
        self.server = server
        self.address = settings.base_url
        self._settings = settings
        self._reader = reader
        self._max_side = max_side
        self._reached = False
        self._payloads: OrderedDict[str, asyncio.Future[FramePayload]] = OrderedDict()
        self._pictures = pictures
        self._decoder = ThreadPoolExecutor(max_workers=parallel_reads(reader), thread_name_prefix="frames")

    async def answer(self, request: Request, model: str) -> Reply:
        """The reply to one request; what is wrong with its video or its length is an error reply.

        Raises:
            ServerFault: it failed for good.
            UserError: the server knows neither key nor model.
        """
        if request.candidates:
            return error_reply(request, "no likelihoods of candidates over HTTP: use engine transformers")
        payload = None
        if request.clip is not None:
            try:
                payload = await self._payload(request.clip)
            except (VideoPastaError, OSError, ValueError) as error:
                return error_reply(request, str(error) or type(error).__name__)
        body = chat_body(request, model, payload, structured=self._settings.structured_output)
        try:
            return (await self.server.ask(request.request_id, body)).reply
        except ServerFault as fault:
            if request.clip is not None and fault.kind is FaultKind.REFUSED and _BLIND.search(fault.what):
                raise self._takes_no_videos(fault) from fault
            if fault.kind not in ITS_OWN:
                raise
            return error_reply(request, _advice(request, fault))

    def _takes_no_videos(self, fault: ServerFault) -> UserError:
        images = self._settings.frames == "images"
        return UserError(
            f"the model {self.name!r} takes no {'images' if images else 'videos'} there ({fault.what})",
            where=self.address,
            fix="Serve a Video-LLM such as Qwen2.5-VL, for vLLM with "
            f"""--limit-mm-per-prompt '{{"{"image" if images else "video"}": {128 if images else 1}}}'"""
            + ("." if images else ", or set server.frames: images for a server that takes images alone."),
        )

    async def adapter_name(self, adapter: str) -> str:
        """The server's name of a LoRA folder; it is asked to load one that it does not have.

        The name holds a hash of the weights, so that an adapter which was trained again is another one.

        Raises:
            UserError: no such adapter, or the server does not load it.
            ServerFault: the server cannot be asked.
        """
        folder = Path(adapter)
        name = adapter_identity(folder)
        if name not in (await self.server.models() or ()):
            try:
                await self.server.load_adapter(name, folder)
            except ServerFault as fault:
                if fault.kind not in (FaultKind.REFUSED, FaultKind.SERVER_ERROR):
                    raise
                raise UserError(
                    f"the server does not serve the adapter {name!r} and does not load it ({fault.what})",
                    where=self.address,
                    fix="Start vLLM with --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True, or with "
                    f"--lora-modules '{name}={folder.resolve()}'.",
                ) from fault
        return name

    async def check(self) -> None:
        """Whether the server is there, before anything is decoded for it; after an outage, whether it works again.

        Raises:
            EngineError: it is not, or does not.
            UserError: the server knows neither key nor model.
        """
        try:
            if self.server.circuit.reason is not None:
                await self.ping()
            elif not self._reached:
                await self.server.models()
        except ServerFault as fault:
            raise EngineError(
                f"{self.address}: the server does not answer ({fault.what}). Start it, or correct base_url "
                "in videopasta.yaml; `videopasta run` goes on where it was."
            ) from fault
        self._reached = True

    async def ping(self) -> None:
        """Have the model write a token: whether the server generates at all.

        Raises:
            ServerFault: it does not.
        """
        await self.server.ping(self.name)

    async def close(self) -> None:
        """Close the connections and end the decoding thread."""
        await self.server.close()
        self._decoder.shutdown()

    async def _payload(self, clip: Clip) -> FramePayload:
        """The clip's frames, encoded once for the requests that share it."""
        if clip.key not in self._payloads:
            work = asyncio.get_running_loop().run_in_executor(self._decoder, self._encode, clip)
            self._payloads[clip.key] = work
            while len(self._payloads) > _CLIPS_KEPT:
                self._payloads.popitem(last=False)
        self._payloads.move_to_end(clip.key)
        # Shielded: a request that is cancelled must not take the others' frames along.
        return await asyncio.shield(self._payloads[clip.key])

    def _encode(self, clip: Clip) -> FramePayload:
        settings = self._settings
        key = stable_hash(clip.key, self._reader.name, self._max_side, settings.frame_format, ENCODING)
        found = None if self._pictures is None else self._pictures.get(key)
        if found is None:
            found = encoded_frames(load_frames(clip, self._reader, self._max_side), settings.frame_format)
            if self._pictures is not None:
                self._pictures.put(key, found)
        return payload_of(found, clip.plan, settings.frames, settings.frame_format)


def _advice(request: Request, fault: ServerFault) -> str:
    if fault.kind is not FaultKind.TOO_LONG:
        return str(fault)
    return f"{fault.kind}: {too_long(request, fault.what)}"
