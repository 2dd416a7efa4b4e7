"""Generation in this process with transformers: any Video-LLM family, batched, each video paid for once.

Structured output is not enforced here: `json_schema` of a request is left to the prompt and a tolerant parser.
"""

import logging
import time
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import torch

from videopasta_assets.engines.adapters import AdapterSwitch
from videopasta_assets.engines.batching import plan_batches, windows
from videopasta_assets.engines.clip_prefix import PIXELS, ClipPrefixes, with_features
from videopasta_assets.engines.device_memory import give_back, is_out_of_memory, store_bytes
from videopasta_assets.engines.feature_store import FeatureStore
from videopasta_assets.engines.identity import adapter_identity, model_identity
from videopasta_assets.engines.inputs import Prefix, PromptEncoder
from videopasta_assets.engines.loading import load_model
from videopasta_assets.engines.option_scores import scored_alone, scored_in_trees
from videopasta_assets.engines.option_tree import Question, reads_trees
from videopasta_assets.engines.prefix_sharing import (
    EncodedPrefix,
    encode_prefixes,
    left_padded,
    prefix_inputs,
    shared_prefix,
    text_alone,
    to_device,
)
from videopasta_assets.engines.prefix_store import PrefixKey, PrefixStore, tokens_reused
from videopasta_assets.engines.preparation import Draft, Preparation, Row
from videopasta_assets.engines.protocol import Decoding, EngineError, FinishReason, Reply, Request
from videopasta_assets.engines.roomy_cache import is_roomy
from videopasta_assets.engines.sampling import RowDecoding
from videopasta_assets.engines.suspects import error_reply
from videopasta_assets.engines.token_loop import write_replies
from videopasta_assets.engines.usage import EngineUsage
from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.video.reader import FrameReader, parallel_reads

_log: Final = logging.getLogger(__name__)
_BATCHES_AHEAD: Final = 2
_TOKENS_TOGETHER: Final = 16384
"""Prefixes go through the model together up to so many tokens: more keep no device busier, and need memory."""


@dataclass
class _Batch:
    """What of a batch can be answered, its prefixes, and the replies of what cannot."""

    rows: list[Row] = field(default_factory=list)
    prefixes: dict[PrefixKey, Prefix | EncodedPrefix] = field(default_factory=dict)
    failed: list[Reply] = field(default_factory=list)


class TransformersEngine:
    """Answers requests with a model of transformers.

    Clips are decoded ahead of the model, several at once, and each goes through it once: all rows about it continue
    from its keys and values, and so do later batches and roles while they are held. Rows that are finished leave
    their batch. Greedy replies do not depend on any of this but for floating-point noise; sampled ones draw from
    their own request's seed.

    Args:
        model: a folder or a name on the hub.
        revision: branch, tag or commit on the hub.
        reader: decodes the frames of clips.
        device: `auto`, or a torch device.
        dtype: `auto`, or a torch dtype's name.
        batch_size: the most requests that are generated together; halved for good when memory runs out.
        adapter: LoRA folder for requests that name none.
        max_side: longest side of a frame in pixels that the processor gets; None: as stored.
        share_prefix: compute a clip once for all of its rows. Off is the plain path, `generate` of transformers;
            models with sliding windows or linear attention always take it.
        prefix_bytes: memory for prefixes of clips that may be asked about again; None: 1 GiB on a CPU, of a GPU a
            tenth of what is free.
        features: where vision features of clips are kept, for later runs and other users of the model.

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
        prefix_bytes: int | None = None,
        features: FeatureStore | None = None,
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
        self._batch_size = batch_size
        self._share_prefix = share_prefix and is_roomy(loaded.model)
        self._trees: bool | None = None
        loaded.model.requires_grad_(False)
        self._clips = ClipPrefixes(
            self._encoder,
            reader,
            max_side=max_side,
            store=features if self._share_prefix else None,
            model=loaded.model,
            model_id=self._model_id.partition("+")[0],
        )
        self._store = PrefixStore(store_bytes(loaded.model) if prefix_bytes is None else prefix_bytes)
        self._usage = EngineUsage()

    @property
    def model_id(self) -> str:
        """`name@revision`, with `+adapter@hash` where a default adapter is set."""
        return self._model_id

    @property
    def usage(self) -> EngineUsage:
        """What the work since the engine was made consisted of."""
        return self._usage

    def generate(self, requests: Iterable[Request]) -> Iterator[Reply]:
        """Yield a reply a request, batch by batch.

        Raises:
            UserError: a request's adapter does not exist, or it is about a video and the model reads text alone.
            EngineError: the engine is closed.
        """
        if self._model is None:
            raise EngineError("the engine is closed; build a new one")
        preparation = Preparation(
            self._encoder,
            self._clips,
            self._store,
            self._adapter_names,
            threads=parallel_reads(self._reader),
        )
        with preparation:
            for batch in self._batches(requests, preparation):
                yield from batch.failed
                for rows in [batch.rows] if self._share_prefix else _by_form(batch):
                    if rows:
                        yield from self._answer(rows, batch.prefixes)

    def close(self) -> None:
        """Free the model."""
        self._model = None
        self._loaded = replace(self._loaded, model=None)
        self._adapters.close()
        self._store.clear()
        give_back()

    def _batches(self, requests: Iterable[Request], preparation: Preparation) -> Iterator[_Batch]:
        """Batches in turn, while those that follow are made ready."""
        coming: deque[Future[Draft]] = deque()
        for window in windows(requests, self._batch_size):
            for batch in plan_batches(window, self._batch_size, self._store.clips):
                coming.append(preparation.start(self._if_it_sees(batch)))
                if len(coming) > _BATCHES_AHEAD:
                    yield self._collected(coming.popleft())
        while coming:
            yield self._collected(coming.popleft())

    def _if_it_sees(self, batch: list[Request]) -> list[Request]:
        if self._loaded.processor.video_token is None and any(request.clip is not None for request in batch):
            raise UserError(
                "this model reads text alone",
                where=self._model_id,
                fix="Give the roles query_writer, responder and judge a Video-LLM, such as Qwen2.5-VL.",
            )
        return batch

    def _collected(self, coming: "Future[Draft]") -> _Batch:
        """Wait for tokens and frames; whatever is wrong with one clip or prompt becomes an error of its requests."""
        start = time.perf_counter()
        draft, batch = coming.result(), _Batch()
        broken: dict[PrefixKey, str] = {}
        for key, clip in draft.clips.items():
            try:
                batch.prefixes[key] = clip.result() if isinstance(clip, Future) else clip
            except (VideoPastaError, OSError, ValueError) as error:
                broken[key] = str(error) or type(error).__name__
        self._usage += EngineUsage(waiting_seconds=time.perf_counter() - start)
        for row in draft.rows:
            if row.prefix in broken:
                batch.failed.append(error_reply(row.request, broken[row.prefix]))
                continue
            video = 0 if row.prefix is None else len(_tokens_of(batch.prefixes[row.prefix]).ids)
            if (reason := self._too_long(row.request, video, len(row.suffix))) is not None:
                batch.failed.append(error_reply(row.request, reason))
            else:
                batch.rows.append(row)
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

    def _answer(self, rows: Sequence[Row], prefixes: dict[PrefixKey, Prefix | EncodedPrefix]) -> Iterator[Reply]:
        """Generate; out of memory, in halves."""
        if len(rows) > 1 and self._sequences(rows) > self._batch_size:
            yield from self._halves(rows, prefixes)
            return
        try:
            work = self._score if rows[0].request.candidates else self._generate
            start = time.perf_counter()
            keys = [row.prefix if self._share_prefix else None for row in rows]
            cached = tokens_reused(keys, prefixes, self._store)
            replies = [replace(r, cached_tokens=c) for r, c in zip(work(rows, prefixes), cached, strict=True)]
            self._usage += EngineUsage(busy_seconds=time.perf_counter() - start)
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if not is_out_of_memory(error):
                raise
            replies = None
        if replies is not None:
            yield from replies
            return
        self._store.clear()
        give_back()
        if len(rows) == 1:
            yield error_reply(rows[0].request, "out of memory with this request alone: lower frames or frames.max_side")
            return
        self._batch_size = max(1, len(rows) // 2)
        _log.warning("out of memory with %d requests in a batch; going on with %d", len(rows), self._batch_size)
        yield from self._halves(rows, prefixes)

    def _sequences(self, rows: Sequence[Row]) -> int:
        """Rows of the model that these take, at most."""
        together = not rows[0].request.candidates or self._in_trees()
        return len(rows) if together else sum(len(row.request.candidates) for row in rows)

    def _halves(self, rows: Sequence[Row], prefixes: dict[PrefixKey, Prefix | EncodedPrefix]) -> Iterator[Reply]:
        middle = len(rows) // 2
        yield from self._answer(rows[:middle], prefixes)
        yield from self._answer(rows[middle:], prefixes)

    @torch.inference_mode()
    def _generate(self, rows: Sequence[Row], prefixes: dict[PrefixKey, Prefix | EncodedPrefix]) -> list[Reply]:
        start = time.perf_counter()
        first = rows[0].request
        self._adapters.use(first.adapter)
        inputs = self._inputs(rows, prefixes)
        seeds = [row.request.seed for row in rows]
        if self._share_prefix:
            written = write_replies(self._model, inputs, first.decoding, seeds, self._loaded.end_ids)
        else:
            output = self._model.generate(**inputs, **_how(first.decoding, seeds, inputs["attention_mask"]))
            written = output[:, inputs["input_ids"].shape[1] :].tolist()
        prompts = inputs["attention_mask"].sum(dim=1).tolist()
        seconds = (time.perf_counter() - start) / len(rows)
        return [
            self._reply(row.request, ids, prompt, seconds)
            for row, ids, prompt in zip(rows, written, prompts, strict=True)
        ]

    @torch.inference_mode()
    def _score(self, rows: Sequence[Row], prefixes: dict[PrefixKey, Prefix | EncodedPrefix]) -> list[Reply]:
        start = time.perf_counter()
        self._adapters.use(rows[0].request.adapter)
        end = self._encoder.suffix(self._tokenizer.eos_token)
        questions = [
            Question(row.suffix, tuple(torch.cat([self._encoder.suffix(t), end]) for t in row.request.candidates))
            for row in rows
        ]
        videos = [0 if row.prefix is None else len(_tokens_of(prefixes[row.prefix]).ids) for row in rows]

        def inputs(places: Sequence[int], suffixes: Sequence[torch.Tensor]) -> dict[str, Any]:
            some = (replace(rows[place], suffix=suffix) for place, suffix in zip(places, suffixes, strict=True))
            return self._inputs(list(some), prefixes)

        if self._in_trees():
            found = scored_in_trees(self._model, questions, [row.prefix for row in rows], videos, inputs)
        else:
            found = scored_alone(self._model, questions, inputs)
        seconds = (time.perf_counter() - start) / len(rows)
        return [
            _chosen(row.request, log_probs, video + question.longest, seconds)
            for row, question, video, log_probs in zip(rows, questions, videos, found, strict=True)
        ]

    def _in_trees(self) -> bool:
        """Whether the answers to a question share its row; what the model reads is tried once."""
        if self._trees is None:
            self._trees = self._share_prefix and reads_trees(self._model, self._loaded.pad_id)
        return self._trees

    def _inputs(self, rows: Sequence[Row], prefixes: dict[PrefixKey, Prefix | EncodedPrefix]) -> dict[str, Any]:
        owners = [row.prefix for row in rows if row.prefix is not None]
        suffixes = [row.suffix for row in rows]
        pad_id = self._loaded.pad_id
        if self._share_prefix:
            if not owners:
                return text_alone(self._model, suffixes, pad_id)
            used = list(dict.fromkeys(owners))
            encoded = self._encoded(used, prefixes)
            return shared_prefix(self._model, encoded, [used.index(owner) for owner in owners], suffixes, pad_id)
        if not owners:
            ids, mask = left_padded(suffixes, pad_id)
            return to_device({"input_ids": ids, "attention_mask": mask}, self._model)
        return to_device(prefix_inputs([_tokens_of(prefixes[o]) for o in owners], suffixes, pad_id), self._model)

    def _encoded(
        self, keys: Sequence[PrefixKey], prefixes: dict[PrefixKey, Prefix | EncodedPrefix]
    ) -> list[EncodedPrefix]:
        """The prefixes of `keys`, computed where nobody did so before; `prefixes` then holds them."""
        forms: dict[object, dict[PrefixKey, Prefix]] = {}
        found: dict[PrefixKey, EncodedPrefix] = {}
        for key in keys:
            one = prefixes[key]
            held = one if isinstance(one, EncodedPrefix) else self._store.get(key)
            if held is not None:
                found[key] = held
            elif isinstance(one, Prefix):
                forms.setdefault(one.form, {})[key] = one
        reused = len(found)
        for missing in forms.values():
            longest = max(len(prefix.ids) for prefix in missing.values())
            at_once = max(1, _TOKENS_TOGETHER // longest)
            names = list(missing)
            for some in (names[first : first + at_once] for first in range(0, len(names), at_once)):
                seen = [self._seen(key, missing[key]) for key in some]
                encoded = encode_prefixes(self._model, seen, self._loaded.pad_id)
                found |= dict(zip(some, encoded, strict=True))
        prefixes |= found
        for key in keys:
            self._store.put(key, found[key])
        self._usage += EngineUsage(prefixes_computed=len(found) - reused, prefixes_reused=reused)
        return [found[key] for key in keys]

    def _adapter_names(self, adapter: str | None) -> tuple[str, str]:
        whole = self._adapters.identity(adapter)
        return whole, self._adapters.tower_identity(adapter) if self._clips.keeps_features else ""

    def _seen(self, key: PrefixKey, prefix: Prefix) -> Prefix:
        """The prefix as the language model takes it: where features are kept, with features."""
        if not self._clips.keeps_features or PIXELS not in prefix.vision:
            return prefix
        prefix = with_features(self._model, prefix)
        self._clips.keep(key.before, key.clip, prefix, key.tower)
        return prefix

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


def _by_form(batch: _Batch) -> list[list[Row]]:
    """Rows whose videos can go through the model together."""
    forms: dict[object, list[Row]] = {}
    for row in batch.rows:
        forms.setdefault(None if row.prefix is None else _tokens_of(batch.prefixes[row.prefix]).form, []).append(row)
    return list(forms.values())


def _tokens_of(prefix: Prefix | EncodedPrefix) -> Prefix:
    return prefix.prefix if isinstance(prefix, EncodedPrefix) else prefix


def _how(decoding: Decoding, seeds: Sequence[int], mask: torch.Tensor) -> dict[str, Any]:
    how: dict[str, Any] = {"max_new_tokens": decoding.max_new_tokens, "do_sample": False}
    if decoding.temperature > 0 or decoding.repetition_penalty != 1.0:
        how["logits_processor"] = [RowDecoding(decoding, seeds, mask)]
    return how


def _chosen(request: Request, log_probs: tuple[float, ...], tokens: int, seconds: float) -> Reply:
    best = request.candidates[log_probs.index(max(log_probs))]
    return Reply(request.request_id, best, FinishReason.STOP, tokens, 0, seconds, log_probs=log_probs)
