"""Budgets: spending stops in time, and what was answered is kept."""

from collections.abc import Iterable, Iterator

import pytest

from videopasta_assets.engines.budget import BudgetedEngine
from videopasta_assets.engines.meter import Meter, MeteredEngine, Usage
from videopasta_assets.engines.protocol import Decoding, FinishReason, Reply, Request
from videopasta_assets.errors import UserError
from videopasta_assets.prompts import Prompt


class Eager:
    """Takes everything that it is given before it answers; a reply costs 12 tokens, of at most 10 + 10."""

    model_id = "m@1"

    def __init__(self) -> None:
        self.asked = 0

    def generate(self, requests: Iterable[Request]) -> Iterator[Reply]:
        for request in list(requests):
            self.asked += 1
            yield Reply(request.request_id, "x", FinishReason.STOP, 10, 2, 0.5, cached_tokens=4)

    def close(self) -> None:
        """Nothing is held."""


def requests(count: int) -> list[Request]:
    return [Request(str(n), Prompt("?", "", "t", "0"), None, Decoding(max_new_tokens=10)) for n in range(count)]


def budgeted(limit: int, meter: Meter) -> BudgetedEngine:
    return BudgetedEngine(MeteredEngine(Eager(), "verifier", meter), "verifier", limit, meter)


def test_a_budget_that_suffices_is_not_noticed() -> None:
    meter = Meter()
    assert len(list(budgeted(1200 + 20, meter).generate(requests(100)))) == 100
    assert meter.usage("verifier") == Usage(100, 1000, 200, 400, 1000, 50.0)
    assert meter.usage("verifier").hit_rate == pytest.approx(0.4)
    assert meter.usage("responder") == Usage()
    assert meter.usage("responder").hit_rate is None
    assert meter.usage() == meter.usage("verifier")


def test_it_ends_the_call_before_it_is_overspent() -> None:
    meter = Meter()
    replies: list[Reply] = []
    with pytest.raises(
        UserError, match=r"the token budget is spent: 984 of 1,000 tokens for 82 answers, and 18"
    ) as told:
        replies.extend(budgeted(1000, meter).generate(requests(100)))
    assert meter.usage("verifier").tokens == 984  # what was reserved and not used is spent on further requests
    assert "roles.verifier.token_budget" in str(told.value)


def test_a_later_call_of_the_same_run_has_what_is_left() -> None:
    meter = Meter()
    engine = budgeted(100, meter)
    assert len(list(engine.generate(requests(5)))) == 5
    with pytest.raises(UserError, match="the token budget is spent"):
        list(engine.generate(requests(5)))
    assert meter.usage().tokens <= 100
