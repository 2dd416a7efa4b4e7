"""Replicas: videos keep to their home, and a replica that fails costs no answer."""

import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from videopasta_assets.engines.protocol import Decoding, EngineError, FinishReason, Reply, Request
from videopasta_assets.engines.replicas import ReplicatedEngine, home
from videopasta_assets.errors import UserError
from videopasta_assets.prompts import Prompt
from videopasta_assets.video.clip import Clip
from videopasta_assets.video.plan import FramePlan


def requests(videos: int, each: int) -> list[Request]:
    plan = FramePlan("dense", (0,), (0.0,), 1, 1.0, 1.0, "h")
    return [
        Request(f"{video}/{number}", Prompt(f"{number}?", "", "t", "0"), Clip(str(video), Path("v"), plan), Decoding())
        for video in range(videos)
        for number in range(each)
    ]


class Replica:
    """Answers at once, until it was asked `dies_after` times; then it fails until `alive` is set again."""

    model_id = "m@1"

    def __init__(self, seconds: float = 0.0, dies_after: int | None = None, mistake: bool = False) -> None:
        self.asked: list[str] = []
        self.seconds = seconds
        self.dies_after = dies_after
        self.mistake = mistake
        self.closed = False

    def generate(self, requests: Iterable[Request]) -> Iterator[Reply]:
        for request in requests:
            if self.mistake:
                raise UserError("the server knows no model 'm'")
            if self.dies_after is not None and len(self.asked) >= self.dies_after:
                raise EngineError("connection refused")
            self.asked.append(request.request_id)
            time.sleep(self.seconds)
            yield Reply(request.request_id, f"to {request.request_id}", FinishReason.STOP, 1, 1, 0.0)

    def close(self) -> None:
        self.closed = True


@given(st.lists(st.text(min_size=1), min_size=2, max_size=6, unique=True), st.lists(st.text(), max_size=30))
def test_only_the_videos_of_a_replica_that_goes_move(replicas: list[str], subjects: list[str]) -> None:
    gone, *rest = replicas
    for subject in subjects:
        before = home(subject, replicas)
        assert before == gone or home(subject, rest) == before


def test_videos_spread_over_the_replicas() -> None:
    homes = Counter(home(str(video), ["a", "b", "c"]) for video in range(3000))
    assert all(800 < count < 1200 for count in homes.values())


def test_every_request_is_answered_once_and_a_video_by_one_replica() -> None:
    engines = {name: Replica(0.001) for name in "abc"}
    asked = requests(30, 4)
    replies = list(ReplicatedEngine(engines).generate(asked))
    assert sorted(reply.request_id for reply in replies) == sorted(request.request_id for request in asked)
    at = {name: {key.split("/")[0] for key in engine.asked} for name, engine in engines.items()}
    assert sum(map(len, at.values())) == 30  # no video was shown to two of them
    assert all(at.values())


def test_who_is_done_takes_whole_videos_from_who_is_not() -> None:
    engines = {"slow": Replica(0.05), "quick": Replica()}
    started = time.monotonic()
    replies = list(ReplicatedEngine(engines).generate(requests(40, 2)))
    assert len(replies) == 80
    assert time.monotonic() - started < 2
    assert len(engines["quick"].asked) > len(engines["slow"].asked)


def test_a_replica_that_dies_costs_nothing() -> None:
    engines = {"a": Replica(0.001, dies_after=5), "b": Replica(0.001), "c": Replica(0.001)}
    asked = requests(30, 4)
    replies = list(ReplicatedEngine(engines).generate(asked))
    assert sorted(reply.request_id for reply in replies) == sorted(request.request_id for request in asked)
    assert all(reply.error is None for reply in replies)
    assert len(engines["a"].asked) == 5


def test_a_replica_that_comes_back_takes_part_again() -> None:
    engines = {"a": Replica(0.002, dies_after=0), "b": Replica(0.02)}
    engine = ReplicatedEngine(engines, probe_seconds=0.1)
    replies = engine.generate(requests(30, 2))
    taken = [next(replies) for _ in range(6)]
    assert not engines["a"].asked
    engines["a"].dies_after = None
    assert len(taken) + len(list(replies)) == 60
    assert len(engines["a"].asked) > 6


def test_when_all_are_gone_the_call_ends_with_what_is_left() -> None:
    engines = {"a": Replica(dies_after=3), "b": Replica(dies_after=2)}
    replies = ReplicatedEngine(engines).generate(requests(10, 1))
    with pytest.raises(EngineError, match=r"none of 2 replicas answers any more; 5 requests are answered and kept, 5"):
        list(replies)


def test_they_are_waited_for_while_patience_lasts() -> None:
    engines = {"a": Replica(dies_after=3), "b": Replica(dies_after=2)}
    threading.Timer(0.3, lambda: setattr(engines["a"], "dies_after", None)).start()
    assert len(list(ReplicatedEngine(engines, patience_seconds=30, probe_seconds=0.1).generate(requests(10, 1)))) == 10


def test_a_mistake_of_the_user_is_told_at_once() -> None:
    with pytest.raises(UserError, match="knows no model"):
        list(ReplicatedEngine({"a": Replica(mistake=True), "b": Replica(0.01)}).generate(requests(10, 1)))


def test_no_requests_no_replies_and_closing_closes_all() -> None:
    engines = {"a": Replica(), "b": Replica()}
    engine = ReplicatedEngine(engines)
    assert list(engine.generate([])) == []
    assert engine.model_id == "m@1"
    engine.close()
    assert all(replica.closed for replica in engines.values())
