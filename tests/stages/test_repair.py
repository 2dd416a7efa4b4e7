"""A reply that cannot be read is asked for once more, is paid for twice, and says so in its row."""

from collections.abc import Iterable, Iterator
from typing import Any

from tests.fakes.counting_engine import CountingEngine
from tests.stages.conftest import Bench
from videopasta_assets.engines import Decoding, FinishReason, Reply, Request
from videopasta_assets.lake import Derivation
from videopasta_assets.prompts import Prompt, PromptLibrary
from videopasta_assets.recipes import parse_verdict, verdict_schema
from videopasta_assets.stages.generation import Ask, answer
from videopasta_assets.stages.repair import Form, Parsed

GOOD = '{"preferred_ok": true, "is_contradiction": true, "is_rephrase": false, "mode_specific": true, "reason": "r"}'


class Stammering:
    """Replies from a list a request, one a call; remembers what it was asked."""

    model_id = "stammering@1"

    def __init__(self, replies: dict[str, list[str | None]]) -> None:
        self.replies = {key: list(texts) for key, texts in replies.items()}
        self.asked: list[Request] = []

    def generate(self, requests: Iterable[Request]) -> Iterator[Reply]:
        for request in requests:
            self.asked.append(request)
            text = self.replies[request.request_id].pop(0)
            error = "refused: no" if text is None else None
            yield Reply(request.request_id, text or "", FinishReason.STOP, 10, 3, 0.5, error)

    def close(self) -> None:
        """Nothing to free."""


def rows_of(replies: dict[str, list[str | None]], schema: dict[str, Any] | None) -> tuple[dict[str, Any], Stammering]:
    engine = Stammering(replies)
    asks = [
        Derivation(key, "p", Ask(Request(key, Prompt("judge!", "", "verify", "0"), None, Decoding(), 0, schema), {}))
        for key in replies
    ]
    form = Form(lambda text, _: parse_verdict(text) is not None, PromptLibrary("standard"))
    rows = {row["row_key"]: row for row in answer(engine, asks, lambda reply, _: {"reply": reply.text}, form)}
    return rows, engine


def test_each_reply_says_how_it_was_read_and_what_it_cost() -> None:
    replies: dict[str, list[str | None]] = {
        "first": [GOOD],
        "repaired": ["I think so.", f"Here: {GOOD}"],
        "never": ["hm", "still hm"],
        "broken": ["hm", None],
        "failed": [None],
    }
    rows, engine = rows_of(replies, verdict_schema("standard"))
    assert {key: row.get("parsed") for key, row in rows.items()} == {
        "first": Parsed.FIRST,
        "repaired": Parsed.REPAIRED,
        "never": Parsed.NO,
        "broken": Parsed.NO,
        "failed": None,
    }
    assert rows["repaired"]["reply"] == f"Here: {GOOD}"
    assert rows["never"]["reply"] == "hm"
    assert rows["broken"].get("error") is None
    assert rows["failed"]["error"] == "refused: no"
    cost = {key: (row["prompt_tokens"], row["completion_tokens"], row["seconds"]) for key, row in rows.items()}
    assert cost["first"] == (10, 3, 0.5)
    assert cost["repaired"] == cost["never"] == cost["broken"] == (20, 6, 1.0)
    again = [request for request in engine.asked if request.prompt.template == "repair"]
    assert [request.request_id for request in again] == ["repaired", "never", "broken"]
    assert again[0].prompt.text.startswith("judge!\n")
    assert "I think so." in again[0].prompt.text
    assert all(request.json_schema == verdict_schema("standard") for request in again)


def test_where_no_form_was_asked_for_none_is_asked_for_again() -> None:
    rows, engine = rows_of({"a": ["hm"]}, None)
    assert rows["a"]["parsed"] == Parsed.NO
    assert len(engine.asked) == 1


class Unclear(CountingEngine):
    """A verifier whose first word on everything cannot be read."""

    def _answer(self, request: Request) -> str:
        task = request.prompt.template.split("/")[0]
        if task == "verify":
            return "well"
        return GOOD if task == "repair" else super()._answer(request)


def test_the_pipeline_repairs_verdicts_and_counts_them(bench: Bench) -> None:
    from dbt_like_sql.views import connect

    bench.engine = Unclear()
    bench.run()
    calls = bench.engine.calls
    assert calls["repair"] == calls["verify"] > 0
    assert {row["parsed"] for row in bench.rows("verdicts")} <= {Parsed.REPAIRED, None}
    found = connect(bench.project.lake).sql("SELECT stage, replies, parse_rate, repaired FROM parse_rate").fetchall()
    assert ("verdicts", calls["verify"], 1.0, calls["repair"]) in found
