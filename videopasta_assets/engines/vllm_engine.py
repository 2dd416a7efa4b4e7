"""Generation with vLLM in this process. It runs where vLLM is installed, which is an environment of its own.

The reply to one request is as stable as vLLM's batching: sampled requests draw from their own seed.
"""

import os
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

from videopasta_assets.config.serving import VllmSettings
from videopasta_assets.engines.context_length import is_too_long, too_long
from videopasta_assets.engines.identity import HELD_TO_SCHEMA, adapter_identity, model_identity
from videopasta_assets.engines.inputs import PromptEncoder
from videopasta_assets.engines.loading import load_processor
from videopasta_assets.engines.protocol import EngineError, FinishReason, Reply, Request
from videopasta_assets.engines.suspects import error_reply
from videopasta_assets.engines.video_metadata import video_metadata
from videopasta_assets.engines.vllm_environment import CPU_VARIABLES, engine_arguments, one_adapter_at_a_time
from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.torchvision_ops import prepare_torchvision
from videopasta_assets.video.clip import Clip, load_frames
from videopasta_assets.video.reader import FrameReader

_CLIPS_KEPT: Final = 16


@dataclass(frozen=True)
class _Asked:
    """A request under way, and when it was handed over."""

    request: Request
    since: float


class VllmEngine:
    """Answers requests with vLLM's own scheduler: each joins the batch as soon as another one leaves it.

    Args:
        model: a folder or a name on the hub.
        revision: branch, tag or commit on the hub.
        reader: decodes the frames of clips.
        vllm: dtype, lengths, GPUs and adapters; `arguments` are a server's and not used here.
        batch_size: requests that are handed over beyond those that are answered.
        max_side: longest side of a frame in pixels that the processor gets; None: as stored.

    Raises:
        UserError: vLLM is not installed here, or there is no such model.
    """

    def __init__(
        self,
        model: str | Path,
        revision: str | None,
        reader: FrameReader,
        *,
        vllm: VllmSettings,
        batch_size: int = 32,
        max_side: int | None = None,
    ) -> None:
        self._model_id = model_identity(model, revision) + HELD_TO_SCHEMA
        self._reader = reader
        self._max_side = max_side
        self._ahead = 2 * batch_size
        self._encoder = PromptEncoder(load_processor(model, revision))
        self._llm: Any
        self._llm, self._cpu = _load(model, revision, vllm)
        self._gpus = 0 if self._cpu else vllm.gpus
        self._refused: tuple[type[Exception], ...] = (VideoPastaError, OSError, ValueError, *_refusals())
        self._loras: dict[str, Any] = {}
        self._clips: dict[str, Future[dict[str, Any]]] = {}

    @property
    def model_id(self) -> str:
        """`name@revision`; replies are held to the requests' schemas."""
        return self._model_id

    def generate(self, requests: Iterable[Request]) -> Iterator[Reply]:
        """Yield a reply a request, as each is done.

        Raises:
            UserError: a request's adapter does not exist, or it is about a video and the model reads text alone.
            EngineError: the engine is closed.
        """
        if self._llm is None:
            raise EngineError("the engine is closed; build a new one")
        for some in one_adapter_at_a_time(requests) if self._cpu else [requests]:
            yield from self._answer(iter(some))

    def _answer(self, stream: Iterator[Request]) -> Iterator[Reply]:
        asked: dict[str, _Asked] = {}
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="frames") as decoder:
            try:
                while waiting := list(islice(stream, self._ahead - len(asked))):
                    for request in waiting:
                        self._decode(request.clip, decoder)
                    for request in waiting:
                        if (reply := self._ask(request, asked)) is not None:
                            yield reply
                    while len(asked) > self._ahead // 2:
                        yield from self._step(asked)
                while asked:
                    yield from self._step(asked)
            finally:
                if asked:
                    self._llm.llm_engine.abort_request(list(asked))
                self._clips.clear()

    def close(self) -> None:
        """Free the model."""
        if self._llm is not None:
            self._llm.llm_engine.engine_core.shutdown()
            self._llm = None

    def _decode(self, clip: Clip | None, decoder: ThreadPoolExecutor) -> None:
        """Have a clip's frames read ahead, once for the requests that share it."""
        if clip is not None and clip.key not in self._clips:
            while len(self._clips) >= max(_CLIPS_KEPT, self._ahead):
                self._clips.pop(next(iter(self._clips)))
            self._clips[clip.key] = decoder.submit(self._video, clip)

    def _video(self, clip: Clip) -> dict[str, Any]:
        frames = load_frames(clip, self._reader, self._max_side)
        metadata = {**video_metadata(clip.plan), "video_backend": "opencv", "do_sample_frames": False}
        return {"video": [(frames, metadata)]}

    def _ask(self, request: Request, asked: dict[str, _Asked]) -> Reply | None:
        """Hand a request over; the reply to one that cannot be."""
        if request.candidates:
            return error_reply(request, "no likelihoods of candidates with vLLM: use engine transformers")
        text = self._encoder.text(request.prompt, video=request.clip is not None)
        prompt: dict[str, Any] = {"prompt": text.before + text.after}
        lora = self._lora(request.adapter)
        try:
            if request.clip is not None:
                prompt["multi_modal_data"] = self._clips[request.clip.key].result()
            [name] = self._llm.enqueue([prompt], _sampling(request), lora_request=lora, use_tqdm=False)
        except self._refused as error:
            return error_reply(request, _told(request, error))
        # vLLM adds a random ending to its number of the request, and gives the number back.
        asked[name.partition("-")[0]] = _Asked(request, time.perf_counter())
        return None

    def _step(self, asked: dict[str, _Asked]) -> Iterator[Reply]:
        """One step of the model for all requests under way; replies to those that are done."""
        for output in self._llm.llm_engine.step():
            if not output.finished:
                continue
            at_once = len(asked)
            known = asked.pop(output.request_id)
            written = output.outputs[0]
            yield Reply(
                known.request.request_id,
                written.text.strip(),
                FinishReason.LENGTH if written.finish_reason == "length" else FinishReason.STOP,
                len(output.prompt_token_ids),
                len(written.token_ids),
                (time.perf_counter() - known.since) / at_once,
                gpus=self._gpus,
                cached_tokens=output.num_cached_tokens,
            )

    def _lora(self, adapter: str | None) -> Any:
        if adapter is None:
            return None
        from vllm.lora.request import LoRARequest

        name = adapter_identity(Path(adapter))
        if name not in self._loras:
            self._loras[name] = LoRARequest(name, len(self._loras) + 1, str(Path(adapter).resolve()))
        return self._loras[name]


def _load(model: str | Path, revision: str | None, settings: VllmSettings) -> tuple[Any, bool]:
    """The model, and whether vLLM is built for processors here."""
    prepare_torchvision()
    try:
        from vllm import LLM
    except ImportError as error:
        raise UserError(
            f"vLLM cannot be imported here ({error})",
            where="engine vllm",
            fix="Use engine vllm-server, which runs vLLM in its own environment, or start videopasta from there.",
        ) from error
    from vllm.platforms import current_platform

    cpu = bool(current_platform.is_cpu())
    if cpu:
        for name, value in CPU_VARIABLES.items():
            os.environ.setdefault(name, value)
    return LLM(**engine_arguments(model, revision, cpu=cpu, settings=settings)), cpu


def _refusals() -> tuple[type[Exception], ...]:
    """What vLLM raises about one request; versions differ in whether it is a ValueError."""
    from vllm import exceptions

    found = getattr(exceptions, "VLLMValidationError", None)
    return () if found is None else (found,)


def _sampling(request: Request) -> Any:
    from vllm import SamplingParams
    from vllm.sampling_params import StructuredOutputsParams

    decoding, schema = request.decoding, request.json_schema
    return SamplingParams(
        max_tokens=decoding.max_new_tokens,
        temperature=decoding.temperature,
        top_p=decoding.top_p if decoding.temperature > 0 else 1.0,
        repetition_penalty=decoding.repetition_penalty,
        seed=request.seed,
        structured_outputs=None if schema is None else StructuredOutputsParams(json=schema),
    )


def _told(request: Request, error: Exception) -> str:
    reason = " ".join(str(error).split())[:300] or type(error).__name__
    return too_long(request, reason) if is_too_long(reason) else reason
