"""Defects that must keep a pair from training."""

from pathlib import Path
from typing import Any

import pytest

from videopasta_assets.assets.adversaries import wrong_attempts
from videopasta_assets.assets.sampled_videos import plans_result
from videopasta_assets.prompts import PromptLibrary
from videopasta_assets.stages.pair_integrity import broken_pairs, leaked_instructions

PAIR = {
    "pair_id": "p1",
    "query": "Where is the red square?",
    "chosen": "Left of the circle.",
    "rejected": "Right of the circle.",
    "adv_mode": "spatial",
    "adv_strategy": "mirrored_relation",
    "dense_frames": [0, 4],
    "dense_timestamps": [0.0, 0.5],
}


def test_a_sound_pair_has_no_defect() -> None:
    assert broken_pairs([PAIR]) == []
    assert leaked_instructions([PAIR], PromptLibrary("standard")) == []


@pytest.mark.parametrize(
    ("change", "defect"),
    [
        ({"rejected": " LEFT of the  circle."}, "pair p1 rejects what it chooses"),
        ({"chosen": " "}, "pair p1 has no chosen"),
        ({"query": None}, "pair p1 has no query"),
        ({"dense_frames": []}, "pair p1 has no complete dense frame plan"),
        ({"dense_timestamps": [0.0]}, "pair p1 has no complete dense frame plan"),
    ],
)
def test_a_defect_is_told(change: dict[str, Any], defect: str) -> None:
    assert broken_pairs([{**PAIR, **change}]) == [defect]


def test_a_repeated_pair_is_told() -> None:
    assert broken_pairs([PAIR, PAIR]) == ["pair p1 occurs 2 times"]


@pytest.mark.parametrize("text", ["query", "chosen", "rejected"])
def test_an_instruction_in_any_text_is_told(text: str, tmp_path: Path) -> None:
    template = tmp_path / "adversary" / "spatial" / "mirrored_relation.j2"
    template.parent.mkdir(parents=True)
    template.write_text("Swap left and right in your answer.\nQuestion: {{ query }}")
    leaky = {**PAIR, text: "Sure! swap left and  right in your answer. It is on the right."}
    prompts = PromptLibrary("standard", tmp_path)
    assert leaked_instructions([leaky], prompts) == [f"pair p1 has the adversarial instruction in its {text}"]
    assert leaked_instructions([PAIR], prompts) == []


def test_attempts_must_add_up() -> None:
    def attempt(number: int) -> dict[str, Any]:
        return {"adversary_id": f"a{number}", "query_id": "q", "slot": 0, "attempt": number}

    def verdict(number: int, status: str | None) -> dict[str, Any]:
        return {"row_key": f"a{number}", "query_id": "q", "slot": 0, "attempt": number, "verdict": status}

    good = [attempt(1), attempt(2)]
    assert wrong_attempts(good, [verdict(1, "rejected_similar"), verdict(2, "accepted")]) == []
    assert wrong_attempts(good, [verdict(1, "rejected_similar")]) == ["attempt a2 has no verdict"]
    assert wrong_attempts([attempt(1)], [verdict(1, "accepted"), verdict(2, None)]) == ["verdict a2 has no attempt"]
    assert wrong_attempts(good, [verdict(1, "accepted"), verdict(2, "rejected_parse")]) == [
        "slot 0 of query q went on after attempt 1 was accepted"
    ]


@pytest.mark.parametrize(
    ("coincide", "allowed", "passed", "blocks"),
    [
        ([False, False], False, True, False),
        ([True, False], False, False, False),
        ([True, True], False, False, True),
        ([True, True], True, True, True),
        ([], False, True, False),
    ],
)
def test_equal_plans_block_only_when_they_are_the_rule(
    coincide: list[bool], allowed: bool, passed: bool, blocks: bool
) -> None:
    result = plans_result(coincide, allowed=allowed)
    assert result.passed is passed
    assert (result.severity.value == "ERROR") is blocks
