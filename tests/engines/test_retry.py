"""Which faults are tried again, how often, and how long is waited."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tenacity import wait_random_exponential

from videopasta_assets.engines.fault import NEVER_TRIED, RETRIED, FaultKind, ServerFault
from videopasta_assets.engines.retry import RetryPolicy

INSTANT = RetryPolicy(attempts=4, first=0.0, longest=0.0)


def count(faults: Sequence[FaultKind], *, hopeless: bool = False) -> int:
    """Attempts at a request whose attempts fail in this way; negative where it never came through."""
    made = 0

    async def ask() -> None:
        nonlocal made
        async for attempt in INSTANT.retrying(lambda: hopeless):
            with attempt:
                made += 1
                if made <= len(faults):
                    raise ServerFault(faults[made - 1], "as ordered")

    try:
        asyncio.run(ask())
    except ServerFault:
        return -made
    return made


@given(st.lists(st.sampled_from(sorted(RETRIED - {FaultKind.EMPTY})), max_size=12))
def test_only_tries_that_a_model_may_have_seen_count(faults: list[FaultKind]) -> None:
    spent = 0
    for place, kind in enumerate(faults, 1):
        spent += kind not in NEVER_TRIED
        if spent == INSTANT.attempts:
            assert count(faults) == -place
            return
    assert count(faults) == len(faults) + 1


@pytest.mark.parametrize("kind", sorted(frozenset(FaultKind) - RETRIED))
def test_what_no_retry_mends_is_not_tried_again(kind: FaultKind) -> None:
    assert count([kind]) == -1


def test_an_empty_answer_is_not_asked_for_as_often() -> None:
    assert count([FaultKind.EMPTY] * 9) == -3
    assert count([FaultKind.EMPTY] * 2) == 3


def test_nobody_waits_for_a_server_that_is_down() -> None:
    assert count([FaultKind.UNREACHABLE] * 9, hopeless=True) == -1


def test_waits_are_drawn_from_a_window_that_doubles() -> None:
    wait = RetryPolicy(first=0.5, longest=20.0).retrying(lambda: False).wait
    assert isinstance(wait, wait_random_exponential)
    assert (wait.multiplier, wait.max, wait.min) == (0.5, 20.0, 0)
