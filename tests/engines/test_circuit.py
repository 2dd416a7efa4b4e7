"""When a server counts as down."""

import pytest

from videopasta_assets.engines.circuit import Circuit
from videopasta_assets.engines.fault import FaultKind, ServerFault

DEAD = ServerFault(FaultKind.SERVER_ERROR, "HTTP 500")
BUSY = ServerFault(FaultKind.OVERLOADED, "HTTP 429")
LONG = ServerFault(FaultKind.TOO_LONG, "HTTP 400")


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def circuit(clock: Clock) -> Circuit:
    return Circuit(60.0, clock)


def test_it_opens_when_nothing_good_came_for_long(circuit: Circuit, clock: Clock) -> None:
    for second in (0, 10, 20, 59, 59.9):
        clock.now = second
        circuit.failed(DEAD, alone=False)
    assert circuit.reason is None
    clock.now = 60
    circuit.failed(DEAD, alone=False)
    assert circuit.reason == "has given no good answer for 60 s (server_error: HTTP 500)"


def test_two_failures_far_apart_are_not_an_outage(circuit: Circuit, clock: Clock) -> None:
    for second in (0, 100, 200, 300):
        clock.now = second
        circuit.failed(DEAD, alone=False)
    assert circuit.reason is None


def test_a_good_answer_closes_it_and_starts_the_count_anew(circuit: Circuit, clock: Clock) -> None:
    for _ in range(8):
        circuit.gave_up(DEAD)
    assert circuit.reason is not None
    circuit.succeeded()
    assert circuit.reason is None
    for _ in range(7):
        circuit.gave_up(DEAD)
    assert circuit.reason is None


def test_a_busy_server_is_not_down_while_it_works_for_us(circuit: Circuit, clock: Clock) -> None:
    for second in range(0, 600, 10):
        clock.now = second
        circuit.failed(BUSY, alone=False)
    assert circuit.reason is None
    for second in range(600, 700, 10):
        clock.now = second
        circuit.failed(BUSY, alone=True)
    assert circuit.reason is not None


def test_requests_that_are_too_long_say_nothing_about_the_server(circuit: Circuit, clock: Clock) -> None:
    for second in range(100):
        clock.now = second
        circuit.failed(LONG, alone=True)
        circuit.gave_up(LONG)
    assert circuit.reason is None


def test_a_wait_beyond_our_patience_opens_it(circuit: Circuit) -> None:
    circuit.failed(ServerFault(FaultKind.OVERLOADED, "HTTP 429: quota", 61.0), alone=True)
    assert circuit.reason == "asks to wait 61 s (HTTP 429: quota)"
