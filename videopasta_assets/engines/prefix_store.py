"""Prefixes that were computed before, for the batches and roles that ask about the same clip later."""

import threading
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from videopasta_assets.engines.inputs import Prefix
from videopasta_assets.engines.prefix_sharing import EncodedPrefix


@dataclass(frozen=True)
class PrefixKey:
    """What decides the keys and values of a prefix, given the model.

    Attributes:
        clip: the clip's `key`: the video's bytes and the chosen frames.
        before: the prompt's text up to the video.
        adapter: identity of the LoRA adapter; empty: none.
        tower: the same, if that adapter changes the vision tower; else empty.
    """

    clip: str
    before: str
    adapter: str
    tower: str = ""


class PrefixStore:
    """The prefixes that were used last, on the model's device, up to a number of bytes. Threads may share it.

    Args:
        max_bytes: of keys and values together; 0 keeps none.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._held: OrderedDict[PrefixKey, EncodedPrefix] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def size_bytes(self) -> int:
        """Of all that is held."""
        return self._bytes

    @property
    def clips(self) -> frozenset[str]:
        """Keys of the clips that something is held of."""
        with self._lock:
            return frozenset(key.clip for key in self._held)

    def __contains__(self, key: PrefixKey) -> bool:
        """Whether something is held under `key`; it is not used by that."""
        with self._lock:
            return key in self._held

    def get(self, key: PrefixKey) -> EncodedPrefix | None:
        """What is held under `key`, which becomes the latest used."""
        with self._lock:
            found = self._held.get(key)
            if found is not None:
                self._held.move_to_end(key)
            return found

    def put(self, key: PrefixKey, encoded: EncodedPrefix) -> None:
        """Hold a prefix, in the place of those that were not used for longest. One that alone is too big is not."""
        size = encoded.size_bytes
        with self._lock:
            if key in self._held:
                self._bytes -= self._held.pop(key).size_bytes
            if size > self._max_bytes:
                return
            self._held[key] = encoded
            self._bytes += size
            while self._bytes > self._max_bytes:
                self._bytes -= self._held.popitem(last=False)[1].size_bytes

    def clear(self) -> None:
        """Give all memory back."""
        with self._lock:
            self._held.clear()
            self._bytes = 0


def tokens_reused(
    keys: Sequence[PrefixKey | None], prefixes: Mapping[PrefixKey, Prefix | EncodedPrefix], store: PrefixStore
) -> list[int]:
    """Tokens of each row's prefix that the model is spared: all of them, but for the first row about a new clip.

    Args:
        keys: of the rows' prefixes, in the order of a batch; None: a row without one.
        prefixes: those of the batch.
        store: what was computed before.
    """
    paid: set[PrefixKey] = set()
    counts = []
    for key in keys:
        if key is None:
            counts.append(0)
            continue
        one = prefixes[key]
        tokens = len(one.prefix.ids) if isinstance(one, EncodedPrefix) else len(one.ids)
        spared = isinstance(one, EncodedPrefix) or key in paid or key in store
        counts.append(tokens if spared else 0)
        paid.add(key)
    return counts
