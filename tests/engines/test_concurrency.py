"""Additive increase, multiplicative decrease."""

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from videopasta_assets.engines.concurrency import AdaptiveConcurrency
from videopasta_assets.engines.fault import FaultKind, ServerFault

SLOW = ServerFault(FaultKind.OVERLOADED, "HTTP 429")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_one_slot_more_a_round_of_answers() -> None:
    async def run() -> None:
        slots = AdaptiveConcurrency(32, 1.0)
        for expected in (9, 10, 11):
            held = [slots.slot() for _ in range(slots.limit)]
            for slot in held:
                await slot.__aenter__()
            for _ in held:
                slots.succeeded()
            for slot in held:
                await slot.__aexit__(None, None, None)
            assert expected - 0.5 < slots._limit <= expected

    asyncio.run(run())


def test_slots_that_nobody_uses_do_not_grow() -> None:
    slots = AdaptiveConcurrency(32, 1.0)
    for _ in range(100):
        slots.succeeded()
    assert slots.limit == 8


def test_failures_of_one_moment_halve_once() -> None:
    clock = Clock()
    slots = AdaptiveConcurrency(32, 1.0, clock)
    clock.now = 5.0
    for _ in range(8):
        slots.failed(SLOW, started=1.0)
    assert slots.limit == 4
    slots.failed(SLOW, started=4.9)
    assert slots.limit == 4
    slots.failed(SLOW, started=5.1)
    assert slots.limit == 2


def test_a_request_that_is_refused_slows_nobody() -> None:
    slots = AdaptiveConcurrency(32, 1.0)
    slots.failed(ServerFault(FaultKind.REFUSED, "HTTP 400"), started=0.0)
    assert slots.limit == 8


@given(st.lists(st.booleans(), max_size=60), st.integers(1, 12))
def test_never_more_at_once_than_slots_and_never_fewer_slots_than_one(outcomes: list[bool], most: int) -> None:
    async def attempt(slots: AdaptiveConcurrency, good: bool) -> None:
        async with slots.slot() as started:
            assert slots.in_flight <= most
            await asyncio.sleep(0)
            if good:
                slots.succeeded()
            else:
                slots.failed(SLOW, started)
            assert 1 <= slots.limit <= most

    async def run() -> None:
        slots = AdaptiveConcurrency(most, 1.0)
        await asyncio.gather(*(attempt(slots, good) for good in outcomes))
        assert slots.in_flight == 0

    asyncio.run(run())


def test_a_pause_holds_everybody_but_not_for_ever() -> None:
    async def run() -> float:
        slots = AdaptiveConcurrency(8, 0.05)
        slots.failed(ServerFault(FaultKind.OVERLOADED, "HTTP 429", 3600.0), started=0.0)
        loop = asyncio.get_running_loop()
        begin = loop.time()
        async with slots.slot():
            return loop.time() - begin

    assert 0.04 < asyncio.run(run()) < 5


def test_a_cancelled_wait_takes_no_slot() -> None:
    async def run() -> None:
        slots = AdaptiveConcurrency(1, 1.0)
        async with slots.slot():
            waiting = asyncio.create_task(slots.slot().__aenter__())
            await asyncio.sleep(0)
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        assert slots.in_flight == 0
        async with slots.slot():
            assert slots.in_flight == 1

    asyncio.run(run())
