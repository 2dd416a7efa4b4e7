"""Laws of the store of computed prefixes."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from videopasta_assets.engines.inputs import Prefix
from videopasta_assets.engines.prefix_sharing import EncodedPrefix
from videopasta_assets.engines.prefix_store import PrefixKey, PrefixStore, tokens_reused
from videopasta_assets.engines.usage import EngineUsage


def key(number: int) -> PrefixKey:
    return PrefixKey(f"clip {number}", "before", "", "")


def encoded(tokens: int) -> EncodedPrefix:
    """Of 16 bytes a token."""
    part = torch.zeros(1, tokens, 2)
    return EncodedPrefix(Prefix(torch.zeros(tokens, dtype=torch.long), None, {}), (part,), (part,))


@given(st.integers(0, 2000), st.lists(st.tuples(st.integers(0, 9), st.integers(1, 60)), max_size=40))
def test_it_never_holds_more_than_it_may_and_always_the_latest_that_fits(
    limit: int, puts: list[tuple[int, int]]
) -> None:
    store = PrefixStore(limit)
    for number, tokens in puts:
        store.put(key(number), encoded(tokens))
        assert store.size_bytes <= limit
        assert (store.get(key(number)) is not None) == (16 * tokens <= limit)
    held = [found for number in range(10) if (found := store.get(key(number)))]
    assert store.size_bytes == sum(one.size_bytes for one in held)
    assert store.clips == {f"clip {number}" for number in range(10) if store.get(key(number))}
    store.clear()
    assert store.size_bytes == 0 and not store.clips


def test_what_was_used_last_stays() -> None:
    store = PrefixStore(16 * 20)
    store.put(key(0), encoded(10))
    store.put(key(1), encoded(10))
    assert store.get(key(0)) is not None
    store.put(key(2), encoded(10))
    assert [store.get(key(number)) is not None for number in range(3)] == [True, False, True]


def test_usage_tells_idle_share_and_hit_rate() -> None:
    early, late = EngineUsage(1, 1, 2, 0), EngineUsage(4, 2, 3, 3)
    work = late - early
    assert work == EngineUsage(3, 1, 1, 3)
    assert early + work == late
    assert (work.idle_share, work.prefix_hit_rate) == (0.25, 0.75)
    assert (EngineUsage().idle_share, EngineUsage().prefix_hit_rate) == (0.0, 0.0)


def test_only_the_first_row_about_a_new_clip_pays_for_it() -> None:
    store = PrefixStore(10_000)
    store.put(key(1), encoded(11))
    prefixes: dict[PrefixKey, Prefix | EncodedPrefix] = {
        key(0): encoded(10).prefix,
        key(1): encoded(11).prefix,
        key(2): encoded(12),
    }
    rows = [key(0), key(1), None, key(0), key(2)]
    assert tokens_reused(rows, prefixes, store) == [0, 11, 0, 10, 12]
