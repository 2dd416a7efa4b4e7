"""Generation in this process with transformers: any Video-LLM family, batched, each video paid for once.

Structured output is not enforced here: `json_schema` of a request is left to the prompt and a tolerant parser.
"""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import torch

from videopasta_assets.engines.adapters import AdapterSwitch
from videopasta_assets.engines.batching import plan_batches, windows
from videopasta_assets.engines.identity import adapter_identity, model_identity
from videopasta_assets.engines.inputs import Prefix, PromptEncoder
from videopasta_assets.engines.likelihood import sequence_log_probs
from videopasta_assets.engines.loading import load_model
from videopasta_assets.engines.prefix_sharing import left_padded, prefix_inputs, shared_prefix, to_device
from videopasta_assets.engines.protocol import Decoding, EngineError, FinishReason, Reply, Request
from videopasta_assets.engines.sampling import RowDecoding
from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.video.clip import load_frames
from videopasta_assets.video.reader import FrameReader

_log: Final = logging.getLogger(__name__)
_CPU_OUT_OF_MEMORY: Final = ("can't allocate memory", "not enough memory")


@dataclass(frozen=True)
class _Row:
    """One request, encoded; `prefix` counts in its batch's prefixes, None without a video."""

    request: Request
    prefix: int | None
    suffix: torch.Tensor


@dataclass
class _Batch:
    """What of a batch can be answered, and the replies of what cannot."""

    rows: list[_Row] = field(default_factory=list)
    prefixes: list[Prefix] = field(default_factory=list)
    failed: list[Reply] = field(default_factory=list)


class TransformersEngine:
    """Answers requests with `generate` of transformers.

    A clip is decoded once a batch, in a thread that works ahead of the model; its prefix is computed once and shared
    by all of the batch's rows about it. Greedy replies do not depend on the batch but for floating-point noise;
    sampled ones draw from their own request's seed.

    Args:
        model: a folder or a name on the hub.
        revision: branch, tag or commit on the hub.
        reader: decodes the frames of clips.
        device: `auto`, or a torch device.
        dtype: `auto`, or a torch dtype's name.
        batch_size: the most requests that are generated together; halved for good when memory runs out.
        adapter: LoRA folder for requests that name none.
        max_side: longest side of a frame in pixels that the processor gets; None: as stored.
        share_prefix: compute a clip once for all of its rows. Off is the plain path, for comparison.

    Raises:
        UserError: no such model or adapter, or a model that writes no text.
    """

    def __init__(
        self,
        model: str | Path,
        revision: str | None,
        reader: FrameReader,
        *,
        device: str = "auto",
        dtype: str = "auto",
        batch_size: int = 32,
        adapter: Path | None = None,
        max_side: int | None = None,
        share_prefix: bool = True,
    ) -> None:
        self._model_id = model_identity(model, revision)
        if adapter is not None:
            self._model_id = f"{self._model_id}+{adapter_identity(adapter)}"
        loaded = load_model(model, revision, device, dtype)
        self._model: Any = loaded.model
        self._loaded = loaded
        self._tokenizer = loaded.processor.tokenizer
        self._encoder = PromptEncoder(loaded.processor)
        self._adapters = AdapterSwitch(loaded.model, adapter)
        self._reader = reader
        self._max_side = max_side
        self._batch_size = batch_size
        self._share_prefix = share_prefix

    @property
    def model_id(self) -> str:
        """`name@revision`, with `+adapter@hash` where a default adapter is set."""
        return self._model_id

    def generate(self, requests: Iterable[Request]) -> Iterator[Reply]:
        """Yield a reply a request, batch by batch.

        Raises:
            UserError: a request's adapter does not exist, or it is about a video and the model reads text alone.
            EngineError: the engine is closed.
        """
        if self._model is None:
            raise EngineError("the engine is closed; build a new one")
        # The iterator is advanced by one thread at a time; decoding ahead overlaps with generation.
        with ThreadPoolExecutor(max_workers=1, thread_name_prefix="frames") as ahead:
            for window in windows(requests, self._batch_size):
                batches = plan_batches(window, self._batch_size)
                pending = ahead.submit(self._encode, batches[0])
                for following in [*batches[1:], None]:
                    batch = pending.result()
                    if following is not None:
                        pending = ahead.submit(self._encode, following)
                    yield from batch.failed
                    for rows in _by_form(batch):
                        yield from self._answer(rows, batch.prefixes)

    def close(self) -> None:
        """Free the model."""
        self._model = None
        self._loaded = replace(self._loaded, model=None)
        self._adapters.close()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _encode(self, requests: Sequence[Request]) -> _Batch:
        """Decode and tokenize; whatever is wrong with one clip or prompt becomes an error of its requests."""
        batch = _Batch()
        places: dict[tuple[str, str], int] = {}
        broken: dict[tuple[str, str], str] = {}
        for request in requests:
            if request.clip is not None and self._loaded.processor.video_token is None:
                raise UserError(
                    "this model reads text alone",
                    where=self._model_id,
                    fix="Give the roles query_writer, responder and judge a Video-LLM, such as Qwen2.5-VL.",
                )
            text = self._encoder.text(request.prompt, video=request.clip is not None)
            suffix = self._encoder.suffix(text.after)
            place = None
            if request.clip is not None:
                key = (request.clip.key, text.before)
                if key not in places and key not in broken:
                    try:
                        frames = load_frames(request.clip, self._reader, self._max_side)
                        batch.prefixes.append(self._encoder.prefix(text.before, frames, request.clip.plan))
                        places[key] = len(batch.prefixes) - 1
                    except (VideoPastaError, OSError, ValueError) as error:
                        broken[key] = str(error) or type(error).__name__
                if key in broken:
                    batch.failed.append(_failure(request, broken[key]))
                    continue
                place = places[key]
            video = 0 if place is None else len(batch.prefixes[place].ids)
            if (reason := self._too_long(request, video, len(suffix))) is not None:
                batch.failed.append(_failure(request, reason))
            else:
                batch.rows.append(_Row(request, place, suffix))
        return batch

    def _too_long(self, request: Request, video: int, text: int) -> str | None:
        context, new = self._loaded.context, request.decoding.max_new_tokens
        if context is None or video + text + new <= context:
            return None
        where = "the prompt" if request.clip is None else f"the prompt about {request.clip.path.name}"
        return (
            f"{where} has {video + text} tokens ({video} up to the end of the video) and {new} may follow, more than "
            f"the model's context of {context}: lower the number of frames, frames.max_side or max_new_tokens"
        )

    def _answer(self, rows: Sequence[_Row], prefixes: Sequence[Prefix]) -> Iterator[Reply]:
        """Generate; out of memory, in halves."""
        if len(rows) > 1 and sum(max(1, len(row.request.candidates)) for row in rows) > self._batch_size:
            yield from self._halves(rows, prefixes)
            return
        try:
            work = self._score if rows[0].request.candidates else self._generate
            replies = work(rows, prefixes)
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if not _is_out_of_memory(error):
                raise
            replies = None
        if replies is not None:
            yield from replies
            return
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if len(rows) == 1:
            yield _failure(rows[0].request, "out of memory with this request alone: lower frames or frames.max_side")
            return
        self._batch_size = max(1, len(rows) // 2)
        _log.warning("out of memory with %d requests in a batch; going on with %d", len(rows), self._batch_size)
        yield from self._halves(rows, prefixes)

    def _halves(self, rows: Sequence[_Row], prefixes: Sequence[Prefix]) -> Iterator[Reply]:
        middle = len(rows) // 2
        yield from self._answer(rows[:middle], prefixes)
        yield from self._answer(rows[middle:], prefixes)

    @torch.inference_mode()
    def _generate(self, rows: Sequence[_Row], prefixes: Sequence[Prefix]) -> list[Reply]:
        start = time.perf_counter()
        first = rows[0].request
        self._adapters.use(first.adapter)
        inputs = self._inputs(rows, prefixes)
        output = self._model.generate(**inputs, **self._how(first.decoding, rows, inputs["attention_mask"]))
        written = output[:, inputs["input_ids"].shape[1] :].tolist()
        prompts = inputs["attention_mask"].sum(dim=1).tolist()
        seconds = (time.perf_counter() - start) / len(rows)
        return [
            self._reply(row.request, ids, prompt, seconds)
            for row, ids, prompt in zip(rows, written, prompts, strict=True)
        ]

    @torch.inference_mode()
    def _score(self, rows: Sequence[_Row], prefixes: Sequence[Prefix]) -> list[Reply]:
        start = time.perf_counter()
        self._adapters.use(rows[0].request.adapter)
        end = self._encoder.suffix(self._tokenizer.eos_token)
        endings = [torch.cat([self._encoder.suffix(text), end]) for row in rows for text in row.request.candidates]
        whole = [row for row in rows for _ in row.request.candidates]
        extended = [replace(row, suffix=torch.cat([row.suffix, e])) for row, e in zip(whole, endings, strict=True)]
        inputs = self._inputs(extended, prefixes)
        found = iter(sequence_log_probs(self._model, inputs, endings))
        prompts = iter(inputs["attention_mask"].sum(dim=1).tolist())
        seconds = (time.perf_counter() - start) / len(rows)
        replies = []
        for row in rows:
            log_probs = tuple(next(found) for _ in row.request.candidates)
            longest = max(next(prompts) for _ in row.request.candidates)
            best = row.request.candidates[log_probs.index(max(log_probs))]
            reply = Reply(row.request.request_id, best, FinishReason.STOP, longest, 0, seconds, log_probs=log_probs)
            replies.append(reply)
        return replies

    def _inputs(self, rows: Sequence[_Row], prefixes: Sequence[Prefix]) -> dict[str, Any]:
        owners = [row.prefix for row in rows if row.prefix is not None]
        suffixes = [row.suffix for row in rows]
        pad_id = self._loaded.pad_id
        if not owners:
            ids, mask = left_padded(suffixes, pad_id)
            return to_device({"input_ids": ids, "attention_mask": mask}, self._model)
        if not self._share_prefix:
            return to_device(prefix_inputs([prefixes[owner] for owner in owners], suffixes, pad_id), self._model)
        used = sorted(set(owners))
        places = [used.index(owner) for owner in owners]
        return shared_prefix(self._model, [prefixes[owner] for owner in used], places, suffixes, pad_id)

    def _how(self, decoding: Decoding, rows: Sequence[_Row], mask: torch.Tensor) -> dict[str, Any]:
        how: dict[str, Any] = {"max_new_tokens": decoding.max_new_tokens, "do_sample": False}
        if decoding.temperature > 0 or decoding.repetition_penalty != 1.0:
            how["logits_processor"] = [RowDecoding(decoding, [row.request.seed for row in rows], mask)]
        return how

    def _reply(self, request: Request, ids: list[int], prompt_tokens: int, seconds: float) -> Reply:
        end = next((i for i, token in enumerate(ids) if token in self._loaded.end_ids), None)
        return Reply(
            request_id=request.request_id,
            text=self._tokenizer.decode(ids[:end], skip_special_tokens=True).strip(),
            finish_reason=FinishReason.LENGTH if end is None else FinishReason.STOP,
            prompt_tokens=prompt_tokens,
            completion_tokens=len(ids) if end is None else end + 1,
            seconds=seconds,
            gpus=int(self._model.device.type == "cuda"),
        )


def _by_form(batch: _Batch) -> list[list[_Row]]:
    """Rows whose videos can go through the model together."""
    forms: dict[object, list[_Row]] = {}
    for row in batch.rows:
        forms.setdefault(None if row.prefix is None else batch.prefixes[row.prefix].form, []).append(row)
    return list(forms.values())


def _failure(request: Request, error: str) -> Reply:
    return Reply(request.request_id, "", FinishReason.ERROR, 0, 0, 0.0, error)


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or any(
        sign in str(error) for sign in _CPU_OUT_OF_MEMORY
    )
