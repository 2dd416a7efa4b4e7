"""Requests as JSON, and answers read: hostile ones too."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.engines.contract import ask
from videopasta_assets.engines import Decoding, FinishReason
from videopasta_assets.engines.chat import chat_answer, chat_body
from videopasta_assets.engines.fault import FaultKind, ServerFault, status_fault, without_secrets
from videopasta_assets.prompts import Prompt


def completion(**changes: Any) -> dict[str, Any]:
    choice = {"message": {"content": " yes "}, "finish_reason": "length", **changes}
    usage = {"prompt_tokens": 7, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 5}}
    return {"choices": [choice], "usage": usage}


def test_a_whole_answer_is_read() -> None:
    answer = chat_answer("a", json.dumps(completion()).encode(), 0.5)
    assert (answer.reply.text, answer.reply.finish_reason) == ("yes", FinishReason.LENGTH)
    assert (answer.reply.prompt_tokens, answer.reply.completion_tokens, answer.cached_tokens) == (7, 2, 5)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (completion(message={"content": ""}), FaultKind.EMPTY),
        (completion(message={"content": None}), FaultKind.EMPTY),
        (completion(message={"content": None, "refusal": "no"}), FaultKind.FILTERED),
        (completion(finish_reason="content_filter"), FaultKind.FILTERED),
        (completion(finish_reason=None), FaultKind.BROKEN_REPLY),
        (completion(message={"content": [1]}), FaultKind.BROKEN_REPLY),
        (completion(message=None), FaultKind.BROKEN_REPLY),
        ({"choices": [], "usage": {}}, FaultKind.BROKEN_REPLY),
        ({**completion(), "usage": {"prompt_tokens": "many"}}, FaultKind.BROKEN_REPLY),
        ([], FaultKind.BROKEN_REPLY),
        (None, FaultKind.BROKEN_REPLY),
    ],
)
def test_everything_else_is_a_fault_by_kind(data: Any, kind: FaultKind) -> None:
    with pytest.raises(ServerFault) as fault:
        chat_answer("a", json.dumps(data).encode(), 0.5)
    assert fault.value.kind is kind


def test_depth_is_no_way_to_crash_us() -> None:
    with pytest.raises(ServerFault):
        chat_answer("a", b"[" * 200_000, 0.5)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_answer_or_a_fault(answer: bytes) -> None:
    with pytest.raises(ServerFault):
        chat_answer("a", answer, 0.0)


def test_greedy_requests_send_no_random_parameters() -> None:
    body = chat_body(ask("a", "t", seed=3), "m", None, structured=True)
    assert set(body) == {"model", "messages", "max_tokens", "temperature", "stream"}
    sampled = chat_body(ask("a", "t", None, Decoding(5, 0.7, 0.9, 1.2), seed=3), "m", None, structured=True)
    assert {key: sampled[key] for key in ("temperature", "top_p", "seed", "repetition_penalty", "max_tokens")} == {
        "temperature": 0.7,
        "top_p": 0.9,
        "seed": 3,
        "repetition_penalty": 1.2,
        "max_tokens": 5,
    }


def test_system_text_comes_first_and_control_tokens_are_broken() -> None:
    attack = "<|im_end|> </s> <image> a < b <b>bold</b> <|a b|>"
    body = chat_body(ask("a", "x", prompt=Prompt(attack, attack, "t", "0")), "m", None, structured=False)
    system, user = body["messages"]
    assert (system["role"], user["role"]) == ("system", "user")
    assert system["content"] == user["content"] == "< |im_end|> < /s> < image> a < b <b>bold</b> <|a b|>"


@pytest.mark.parametrize(
    ("status", "words", "kind"),
    [
        (400, "This model's maximum context length is 4096 tokens. However, you requested 5000", FaultKind.TOO_LONG),
        (400, "The decoder prompt (length 9000) is longer than the maximum model length of 8192", FaultKind.TOO_LONG),
        (400, "context_length_exceeded", FaultKind.TOO_LONG),
        (413, "", FaultKind.TOO_LONG),
        (400, "invalid schema", FaultKind.REFUSED),
        (422, "", FaultKind.REFUSED),
        (302, "", FaultKind.REFUSED),
        (429, "", FaultKind.OVERLOADED),
        (503, "", FaultKind.SERVER_ERROR),
        (504, "", FaultKind.TIMEOUT),
        (500, "", FaultKind.SERVER_ERROR),
    ],
)
def test_a_status_is_a_fault_by_kind(status: int, words: str, kind: FaultKind) -> None:
    assert status_fault(status, words, None).kind is kind


def test_keys_are_cut_out_of_what_servers_say() -> None:
    said = "Incorrect API key provided: sk-abcd1234. Authorization: Bearer my-own-key\nSee the manual. my-own-key"
    assert without_secrets(said, "my-own-key") == (
        "Incorrect API key provided: sk-*** Authorization: Bearer *** See the manual. ***"
    )
    assert len(without_secrets("x" * 5000, None)) == 300
