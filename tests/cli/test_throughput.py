"""The line that says how fast a run is."""

from videopasta_assets.cli.throughput import Throughput
from videopasta_assets.engines import FinishReason, Reply
from videopasta_assets.engines.meter import Meter


def answered(meter: Meter, count: int, cached: int | None = None) -> None:
    for number in range(count):
        reply = Reply(str(number), "x", FinishReason.STOP, 90, 10, 0.5, cached_tokens=cached)
        meter.count("responder", reply)


def test_it_says_nothing_before_there_is_anything_to_say() -> None:
    meter = Meter()
    assert Throughput(meter, 100).line() == ""
    meter.begin()
    assert Throughput(meter, 100).line() == ""


def test_tokens_pairs_cache_cost_and_time() -> None:
    meter = Meter()
    meter.started = 100.0
    speed = Throughput(meter, 400, clock=lambda: 120.0)
    answered(meter, 4)
    assert speed.line() == "20.0 tokens/s"
    answered(meter, 36, cached=45)
    assert speed.line() == "200 tokens/s, 50 % of prompt tokens cached, about 3 min left"
    for done in (1, 2, 3):
        speed.report("verified_pairs", done)
    speed.report("queries", 7)
    speed.report("verified_pairs", 1)  # of the next shard
    assert speed.line() == (
        "0.20 pairs/s, 200 tokens/s, 50 % of prompt tokens cached, a pair costs 1,000 tokens and 5.0 engine-seconds, "
        "about 3 min left"
    )


def test_more_answers_than_expected_are_no_time_left() -> None:
    meter = Meter()
    meter.started = 0.0
    answered(meter, 20)
    assert Throughput(meter, 10, clock=lambda: 1.0).line() == "2,000 tokens/s"
