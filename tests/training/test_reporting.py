"""What a training process tells the step that started it."""

from typing import Any

import pytest

from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.training.reporting import _Messages, error_of


def event(phase: str, done: int, total: int = 100) -> dict[str, Any]:
    return {"phase": phase, "done": done, "total": total}


def test_rows_of_a_phase_are_told_now_and_then_and_training_steps_all() -> None:
    sent: list[dict[str, Any]] = []
    messages = _Messages(sent.append)
    for done in range(1, 101):
        messages.progress(event("encode", done))
    for done in (5, 10, 15):
        messages.progress(event("train", done, 15))
    told = [(message["progress"]["phase"], message["progress"]["done"]) for message in sent]
    assert told[0] == ("encode", 1)
    assert ("encode", 100) in told
    assert len(told) < 20
    assert told[-3:] == [("train", 5), ("train", 10), ("train", 15)]


@pytest.mark.parametrize(
    "error",
    [UserError("no such model", where="roles.responder.model", fix="Name another."), VideoPastaError("it diverged")],
)
def test_an_error_is_the_same_on_the_other_side(error: VideoPastaError) -> None:
    sent: list[dict[str, Any]] = []
    _Messages(sent.append).failed(error)
    heard = error_of(sent[0]["error"])
    assert type(heard) is type(error)
    assert str(heard) == str(error)
