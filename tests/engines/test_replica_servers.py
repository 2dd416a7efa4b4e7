"""Two real servers with one model, one of which goes away in the middle."""

import time
from pathlib import Path

from tests.fakes.faulty_server import FaultyServer, by_rule
from videopasta_assets.config.serving import ServerSettings
from videopasta_assets.engines.factory import build_engine
from videopasta_assets.engines.protocol import Decoding, Request
from videopasta_assets.engines.replicas import ReplicatedEngine
from videopasta_assets.prompts import Prompt
from videopasta_assets.video.reader import get_reader


def slowly(text: str, digest: str) -> str:
    time.sleep(0.02)
    return by_rule(text, digest)


def requests(count: int) -> list[Request]:
    prompt = [Prompt(f"question {number}?", "", "query/spatial", "0") for number in range(count)]
    return [Request(str(number), prompt[number], None, Decoding(), number) for number in range(count)]


def test_a_server_that_goes_away_costs_no_answer(tmp_path: Path) -> None:
    with FaultyServer(reply=slowly) as one, FaultyServer(reply=slowly) as other:
        settings = ServerSettings(
            base_url=one.base_url, replicas=(other.base_url,), patience_seconds=2, timeout_seconds=5, max_concurrency=8
        )
        engine = build_engine("openai", "some-model", reader=get_reader("auto", [tmp_path]), server=settings)
        assert isinstance(engine, ReplicatedEngine)
        alone = build_engine(
            "openai",
            "some-model",
            reader=get_reader("auto", [tmp_path]),
            server=settings.model_copy(update={"replicas": ()}),
        )
        assert engine.model_id == alone.model_id  # who answers changes no provenance
        expected = {reply.request_id: reply.text for reply in alone.generate(requests(120))}
        one.forget()
        replies = {}
        for reply in engine.generate(requests(120)):
            assert reply.error is None
            replies[reply.request_id] = reply.text
            if len(replies) == 30:
                one.stop()
        assert replies == expected
        assert one.answered
        assert sum(other.answered.values()) > 30
        engine.close()
        alone.close()
