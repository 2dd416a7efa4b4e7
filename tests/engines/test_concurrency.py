"""Additive increase, multiplicative decrease."""

import asyncio
import heapq
import random
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videopasta_assets.engines.concurrency import AdaptiveConcurrency
from videopasta_assets.engines.fault import FaultKind, ServerFault

SLOW = ServerFault(FaultKind.OVERLOADED, "HTTP 429")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


async def answer_round(slots: AdaptiveConcurrency, clock: Clock, seconds: float) -> None:
    """All slots there are get their answers, one after another in so much time."""
    held = [slots.slot() for _ in range(slots.limit)]
    for slot in held:
        await slot.__aenter__()
    for _ in held:
        clock.now += seconds / len(held)
        slots.succeeded()
    for slot in held:
        await slot.__aexit__(None, None, None)


def test_twice_as_many_a_round_while_that_pays_then_one_more() -> None:
    async def run() -> None:
        clock = Clock()
        slots = AdaptiveConcurrency(256, 1.0, clock)
        for seconds, expected in ((1.0, 16), (1.0, 32), (2.0, 32), (2.0, 33), (2.0, 34)):
            await answer_round(slots, clock, seconds)
            assert abs(slots._limit - expected) < 0.5

    asyncio.run(run())


def test_a_failure_ends_the_quick_start() -> None:
    async def run() -> None:
        clock = Clock()
        slots = AdaptiveConcurrency(256, 1.0, clock)
        await answer_round(slots, clock, 1.0)
        slots.failed(SLOW, started=0.5)
        assert slots.limit == 8
        await answer_round(slots, clock, 1.0)
        assert 8.5 < slots._limit <= 9

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


def simulated(service: Callable[[int], float], answers: int, most: int = 256) -> list[int]:
    """Limits after each answer of a server that takes `service(requests under way)` seconds for one."""
    now = 0.0
    limits: list[int] = []

    async def run() -> None:
        nonlocal now
        concurrency = AdaptiveConcurrency(most, 10, lambda: now)
        under_way: list[tuple[float, int, AbstractAsyncContextManager[float]]] = []
        for number in range(answers):
            while concurrency.in_flight < concurrency.limit:
                slot = concurrency.slot()
                await slot.__aenter__()
                taken = service(concurrency.in_flight)
                heapq.heappush(under_way, (now + taken, number * 1000 + len(under_way), slot))
            now, _, first = heapq.heappop(under_way)
            concurrency.succeeded()
            await first.__aexit__(None, None, None)
            limits.append(concurrency.limit)

    asyncio.run(run())
    return limits


@pytest.mark.parametrize("capacity", [6, 12, 40])
def test_a_server_that_queues_in_silence_gets_no_more_than_it_works_on(capacity: int) -> None:
    limits = simulated(lambda under_way: max(1.0, under_way / capacity), 12_000)
    settled = limits[6000:]
    assert max(settled) <= 2 * capacity
    assert sum(settled) / len(settled) >= 0.7 * capacity


def test_a_server_that_batches_gets_more_as_long_as_that_pays() -> None:
    limits = simulated(
        lambda under_way: 1 + 0.01 * under_way, 30_000
    )  # twice the time at 100, for 50 times the answers
    assert max(limits) >= 100


def test_answers_of_uneven_length_do_not_starve_a_server() -> None:
    draw = random.Random(7)
    limits = simulated(lambda under_way: draw.uniform(0.2, 3.0) * max(1.0, under_way / 16), 12_000)
    settled = limits[6000:]
    assert 8 <= sum(settled) / len(settled) <= 32
