"""Requests made ready ahead of the model: prompts tokenized, clips decoded and preprocessed, several at once."""

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from weakref import WeakValueDictionary

import torch

from videopasta_assets.engines.clip_prefix import ClipPrefixes
from videopasta_assets.engines.inputs import Prefix, PromptEncoder
from videopasta_assets.engines.prefix_sharing import EncodedPrefix
from videopasta_assets.engines.prefix_store import PrefixKey, PrefixStore
from videopasta_assets.engines.protocol import Request
from videopasta_assets.video.clip import Clip


@dataclass(frozen=True)
class Row:
    """One request, tokenized.

    Attributes:
        request: what is asked.
        prefix: key of its prompt up to the end of the video; None without a video.
        suffix: token ids after that, shape (tokens,).
    """

    request: Request
    prefix: PrefixKey | None
    suffix: torch.Tensor


@dataclass(frozen=True)
class Draft:
    """A batch whose clips may still be on their way.

    Attributes:
        rows: one a request.
        clips: the prefixes of the rows: computed before, or a promise of the processor's outputs.
    """

    rows: list[Row]
    clips: dict[PrefixKey, "EncodedPrefix | Future[Prefix]"]


class Preparation:
    """Makes batches ready in threads of its own, until it is left.

    One thread tokenizes; `threads` others have clips decoded and preprocess them. A clip that two batches share is
    decoded once, and one whose prefix is in the store not at all.

    Args:
        encoder: tokenizes.
        clips: decodes and preprocesses, or finds features that were computed before.
        store: prefixes that were computed before.
        adapter: identity of a request's adapter, and again if it changes the vision tower, for the store.
        threads: clips that are decoded at once.
    """

    def __init__(
        self,
        encoder: PromptEncoder,
        clips: ClipPrefixes,
        store: PrefixStore,
        adapter: Callable[[str | None], tuple[str, str]],
        *,
        threads: int,
    ) -> None:
        self._encoder = encoder
        self._clips = clips
        self._store = store
        self._adapter = adapter
        self._texts = ThreadPoolExecutor(max_workers=1, thread_name_prefix="prompts")
        self._frames = ThreadPoolExecutor(max_workers=threads, thread_name_prefix="frames")
        # Weak: what no batch waits for any more is a hundred megabytes of pixels that nobody needs.
        self._coming: WeakValueDictionary[PrefixKey, Future[Prefix]] = WeakValueDictionary()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drop what has not begun, and wait for what has."""
        self._texts.shutdown(cancel_futures=True)
        self._frames.shutdown(cancel_futures=True)

    def start(self, requests: Sequence[Request]) -> "Future[Draft]":
        """Begin with a batch; the result raises UserError for a request that the model cannot be asked at all."""
        return self._texts.submit(self._draft, requests)

    def _draft(self, requests: Sequence[Request]) -> Draft:
        draft = Draft([], {})
        names = self._adapter(requests[0].adapter)  # a batch has one
        for request in requests:
            text = self._encoder.text(request.prompt, video=request.clip is not None)
            key = None
            if request.clip is not None:
                key = PrefixKey(request.clip.key, text.before, *names)
                if key not in draft.clips:
                    draft.clips[key] = self._store.get(key) or self._promise(key, request.clip)
            draft.rows.append(Row(request, key, self._encoder.suffix(text.after)))
        return draft

    def _promise(self, key: PrefixKey, clip: Clip) -> "Future[Prefix]":
        coming = self._coming.get(key)
        if coming is None:
            coming = self._coming[key] = self._frames.submit(self._load, key, clip)
        return coming

    def _load(self, key: PrefixKey, clip: Clip) -> Prefix:
        return self._clips.load(key.before, clip, key.tower)
