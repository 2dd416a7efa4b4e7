"""Costs of replies add up, and what an engine does not say is not made up."""

from videopasta_assets.engines import FinishReason, Reply
from videopasta_assets.stages.reply_cost import cost_of


def reply(prompt_tokens: int, cached_tokens: int | None) -> Reply:
    return Reply("a", "x", FinishReason.STOP, prompt_tokens, 3, 0.5, gpus=2, cached_tokens=cached_tokens)


def test_costs_of_several_replies_add_up() -> None:
    assert cost_of(reply(10, 4), reply(20, 0)) == {
        "prompt_tokens": 30,
        "cached_tokens": 4,
        "completion_tokens": 6,
        "seconds": 1.0,
        "gpus": 2,
    }


def test_cached_tokens_are_told_where_every_prompt_has_them() -> None:
    assert cost_of(reply(10, 4), reply(20, None))["cached_tokens"] is None
    assert cost_of(reply(10, 4), reply(0, None))["cached_tokens"] == 4
    assert cost_of(reply(0, None))["cached_tokens"] is None
