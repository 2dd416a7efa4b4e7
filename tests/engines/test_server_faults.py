"""What the OpenAI engine makes of every fault, one kind at a time, on real sockets."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.engines.contract import ask
from tests.fakes.faulty_server import FAULTS, FaultyServer
from videopasta_assets.config.serving import ServerSettings
from videopasta_assets.engines import EngineError, FinishReason, Reply, Request
from videopasta_assets.engines.openai_engine import OpenAIEngine
from videopasta_assets.engines.retry import RetryPolicy
from videopasta_assets.errors import UserError
from videopasta_assets.video.clip import Clip
from videopasta_assets.video.plan import FramePlan

pytestmark = pytest.mark.slow

QUICK = RetryPolicy(attempts=4, first=0.005, longest=0.02)
TIMEOUT = 0.5

Build = Callable[..., OpenAIEngine]


@pytest.fixture
def server() -> Iterator[FaultyServer]:
    with FaultyServer() as running:
        yield running


@pytest.fixture
def build(server: FaultyServer) -> Iterator[Build]:
    built: list[OpenAIEngine] = []

    def engine(retry: RetryPolicy = QUICK, reader: Any = None, **changes: object) -> OpenAIEngine:
        settings = {"base_url": server.base_url, "timeout_seconds": TIMEOUT, "patience_seconds": 3.0, **changes}
        built.append(
            OpenAIEngine("some-model", None, reader, server=ServerSettings.model_validate(settings), retry=retry)
        )
        return built[-1]

    yield engine
    for engine_ in built:
        engine_.close()


def requests(count: int) -> list[Request]:
    return [ask(str(number), f"question {number}") for number in range(count)]


def by_id(replies: Iterator[Reply]) -> dict[str, Reply]:
    found = list(replies)
    assert len({reply.request_id for reply in found}) == len(found)
    return {reply.request_id: reply for reply in found}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_passing_fault_leaves_no_trace(server: FaultyServer, build: Build, kind: str) -> None:
    good = {key: reply.text for key, reply in by_id(build().generate(requests(6))).items()}
    server.forget()
    server.fault = lambda digest, attempt: kind if attempt <= 2 else None
    engine = build(max_concurrency=6)
    replies = by_id(engine.generate(requests(6)))
    assert {key: reply.text for key, reply in replies.items()} == good
    assert all(reply.error is None and reply.completion_tokens == 5 for reply in replies.values())
    assert server.faults[kind] == sum(engine.traffic.faults.values()) == 12
    assert set(server.answered.values()) == {1}


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("error 500", "server_error: HTTP 500: CUDA error"),
        ("not json", "broken_reply: no chat completion"),
        ("truncated", "broken_reply: the connection broke"),
        ("empty", "empty_reply: no text after 5 tokens"),
        ("endless", "endless_reply: over"),
        ("stall", "timeout: no whole answer in 0.5 s"),
        ("drip", "timeout: no whole answer in 0.5 s"),
        ("aborted", "broken_reply: generation ended with 'abort'"),
        ("refused", "refused: HTTP 400: this cannot be parsed"),
        ("filtered", "filtered: the server withheld"),
        ("too long", "too_long: the prompt is too long (HTTP 400: maximum context length is 8 tokens): lower"),
    ],
)
def test_a_request_that_always_fails_is_an_error_of_its_own(
    server: FaultyServer, build: Build, kind: str, says: str
) -> None:
    engine = build(RetryPolicy(attempts=2, first=0.001, longest=0.002))
    poison = server_digest(server, engine, requests(1)[0])
    server.fault = lambda digest, attempt: kind if digest == poison else None
    replies = by_id(engine.generate(requests(5)))
    assert len(replies) == 5
    assert str(replies["0"].error).startswith(says)
    assert replies["0"].finish_reason is FinishReason.ERROR
    assert [replies[key].error for key in ("1", "2", "3", "4")] == [None] * 4


def server_digest(server: FaultyServer, engine: OpenAIEngine, request: Request) -> str:
    """How the server knows a request."""
    list(engine.generate([request]))
    digest = next(iter(server.answered))
    server.forget()
    return digest


def test_one_bad_request_alone_is_told_from_a_dead_server_by_a_simpler_one(server: FaultyServer, build: Build) -> None:
    engine = build(RetryPolicy(attempts=2, first=0.001, longest=0.002))
    poison = server_digest(server, engine, requests(1)[0])
    server.fault = lambda digest, attempt: "error 500" if digest == poison else None
    assert str(by_id(engine.generate(requests(1)))["0"].error).startswith("server_error")
    server.fault = lambda digest, attempt: "error 500"
    with pytest.raises(EngineError, match=r"fails the simplest request too .* 0 requests are answered and kept, 1 are"):
        list(engine.generate(requests(1)))


@pytest.mark.parametrize("kind", ["error 500", "refused", "empty", "not json", "hang up"])
def test_a_server_that_fails_everything_makes_no_error_rows(server: FaultyServer, build: Build, kind: str) -> None:
    engine = build(RetryPolicy(attempts=2, first=0.001, longest=0.002))
    server.fault = lambda digest, attempt: kind if len(server.answered) >= 20 else None
    replies = []
    with pytest.raises(EngineError, match="are answered and kept") as stopped:
        for reply in engine.generate(requests(10_000)):
            replies.append(reply)
    assert 20 <= len(replies) < 60
    assert all(reply.error is None for reply in replies)
    assert f"{len(replies)} requests are answered and kept, {10_000 - len(replies)} are left" in str(stopped.value)
    assert sum(server.attempts.values()) < 400
    server.fault = lambda digest, attempt: None
    assert len(by_id(engine.generate(requests(40)))) == 40


class BlackFrames:
    """A reader whose videos are all black."""

    name = "black"

    def read(self, path: Path, indices: Sequence[int], **how: object) -> NDArray[np.uint8]:
        return np.zeros((len(indices), 8, 8, 3), np.uint8)


def about_videos(videos: int, questions: int) -> list[Request]:
    """Requests sorted by video; their texts name it."""
    plan = FramePlan("dense", (0, 8), (0.0, 1.0), 16, 8.0, 2.0, "h")
    clips = [Clip(f"video{video}", Path("nowhere"), plan) for video in range(videos)]
    return [
        ask(f"{video}-{question}", f"video {video}, question {question}", clip)
        for video, clip in enumerate(clips)
        for question in range(questions)
    ]


@pytest.mark.parametrize("place", [0, 5])
def test_a_video_that_breaks_the_server_does_not_stop_the_others(
    server: FaultyServer, build: Build, place: int
) -> None:
    server.fault = lambda digest, attempt: "error 500" if f"video {place}," in server.texts[digest] else None
    engine = build(RetryPolicy(attempts=2, first=0.001, longest=0.002), reader=BlackFrames())
    replies = by_id(engine.generate(about_videos(6, 20)))
    assert len(replies) == 120
    assert {key.split("-")[0] for key, reply in replies.items() if reply.error} == {str(place)}
    assert sum(reply.error is not None for reply in replies.values()) == 20


def test_a_server_that_fails_every_video_but_not_text_makes_no_error_rows(server: FaultyServer, build: Build) -> None:
    server.fault = lambda digest, attempt: "error 500" if "video" in server.texts[digest] else None
    engine = build(RetryPolicy(attempts=2, first=0.001, longest=0.002), reader=BlackFrames())
    replies = []
    with pytest.raises(EngineError, match=r"0 requests are answered and kept, 120 are left"):
        for reply in engine.generate(about_videos(6, 20)):
            replies.append(reply)
    assert not replies


def test_while_the_server_is_down_a_call_fails_at_once(server: FaultyServer, build: Build) -> None:
    engine = build(patience_seconds=0.3)
    assert len(by_id(engine.generate(requests(3)))) == 3
    server.stop()
    with pytest.raises(EngineError, match=r"no good answer for .* connection refused"):
        list(engine.generate(requests(50)))
    before = time.monotonic()
    with pytest.raises(EngineError, match=r"does not answer \(connection refused\)"):
        list(engine.generate(requests(50)))
    assert time.monotonic() - before < 0.2
    server.start()
    assert len(by_id(engine.generate(requests(3)))) == 3


def test_a_server_that_restarts_in_time_costs_nothing(server: FaultyServer, build: Build) -> None:
    engine = build()
    stream = engine.generate(requests(200))
    got = [next(stream) for _ in range(20)]
    server.stop()
    threading.Timer(0.6, server.start).start()
    got += stream
    assert len(by_id(iter(got))) == 200
    assert all(reply.error is None for reply in got)


def test_nobody_asks_before_the_server_said(server: FaultyServer, build: Build) -> None:
    server.fault = lambda digest, attempt: "wait" if not server.faults else None
    assert len(by_id(build().generate(requests(60)))) == 60
    told = next(when for when, _, kind in server.log if kind == "wait")
    assert not [when for when, _, _ in server.log if told + 0.3 < when < told + 0.55]
    assert len([when for when, _, _ in server.log if when > told + 0.55]) > 40


def test_who_asks_us_to_wait_too_long_ends_the_run(server: FaultyServer, build: Build) -> None:
    server.fault = lambda digest, attempt: "wait an hour" if len(server.answered) > 4 else None
    with pytest.raises(EngineError, match="asks to wait 3600 s"):
        list(build().generate(requests(100)))


def test_a_server_is_given_no_more_at_once_than_it_copes_with(server: FaultyServer, build: Build) -> None:
    copes = 4
    server.reply = lambda text, digest: time.sleep(0.003) or "fine"  # type: ignore[func-returns-value]
    server.fault = lambda digest, attempt: "busy until" if server.at_once > copes else None
    engine = build(max_concurrency=64)
    assert len(by_id(engine.generate(requests(400)))) == 400
    tail = [kind for _, _, kind in server.log[-300:]]
    assert tail.count("good") > 0.6 * len(tail)
    assert server.most_at_once <= 24


def test_an_abandoned_stream_leaves_nothing_running(server: FaultyServer, build: Build) -> None:
    server.reply = lambda text, digest: time.sleep(0.02) or "fine"  # type: ignore[func-returns-value]
    engine = build()
    stream = engine.generate(requests(500))
    next(stream)
    stream.close()  # type: ignore[attr-defined]
    time.sleep(0.5)
    assert sum(server.attempts.values()) < 60
    assert len(by_id(engine.generate(requests(5)))) == 5


class TestTheKey:
    """It travels in the header, and is nowhere else."""

    KEY = "sk-very-secret-0123456789"

    def test_it_comes_from_the_environment(
        self, server: FaultyServer, build: Build, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        server.key = self.KEY
        monkeypatch.setenv("SOME_KEY", self.KEY)
        server.fault = lambda digest, attempt: "error 500" if int(digest, 16) % 3 == 0 else None
        replies = by_id(build(RetryPolicy(2, 0.001, 0.002), api_key_env="SOME_KEY").generate(requests(12)))
        failed = [str(reply.error) for reply in replies.values() if reply.error]
        assert failed
        assert len(failed) < 12
        assert not [error for error in failed if self.KEY in error]
        assert self.KEY not in caplog.text

    def test_one_that_is_not_set_is_one_sentence(self, build: Build, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("SOME_KEY", raising=False)
        with pytest.raises(UserError, match="the environment variable SOME_KEY is not set"):
            build(api_key_env="SOME_KEY")

    def test_a_wrong_one_is_not_repeated(
        self, server: FaultyServer, build: Build, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server.key = "another"
        monkeypatch.setenv("SOME_KEY", self.KEY)
        with pytest.raises(UserError, match=r"does not let us in .HTTP 401: Incorrect API key") as refused:
            list(build(api_key_env="SOME_KEY").generate(requests(2)))
        assert self.KEY not in str(refused.value)
        assert "SOME_KEY" in str(refused.value)


def test_a_wrong_address_is_one_sentence(server: FaultyServer, build: Build) -> None:
    server.fault = lambda digest, attempt: "gone"
    with pytest.raises(UserError, match=r"Set server\.model to one of: some-model"):
        list(build().generate(requests(2)))
