"""Preference files of others: two layouts, and every fault with its line."""

import json

from videopasta_assets.recipes.preference_file import FaultyLine, PreferenceLine, read_preferences

HOUND = {
    "id": "v_1_0",
    "video": "v_1",
    "prompt": "<video>\nWhat happens?",
    "answer": "A cat jumps.",
    "chosen": "A cat jumps.",
    "chosen_score": 5,
    "rejected": "A dog sleeps.",
    "rejected_score": 1,
}


def test_the_hound_layout() -> None:
    (pair,) = read_preferences([json.dumps(HOUND)])
    assert pair == PreferenceLine(1, "v_1_0", "v_1", "What happens?", "A cat jumps.", "A dog sleeps.", None)


def test_chat_messages_and_lists_of_videos() -> None:
    row = {
        "videos": ["clips/a.mp4"],
        "prompt": [{"role": "user", "content": [{"type": "video"}, {"type": "text", "text": "Why?"}]}],
        "chosen": [{"role": "assistant", "content": "So."}],
        "rejected": [{"role": "assistant", "content": "Not so."}],
        "mode": "spatial",
    }
    (pair,) = read_preferences([json.dumps(row)])
    assert pair == PreferenceLine(1, "1", "clips/a.mp4", "Why?", "So.", "Not so.", "spatial")


def test_every_fault_names_its_line_and_keeps_its_text() -> None:
    lines = [
        "{broken",
        json.dumps({**HOUND, "video": ""}),
        "",
        json.dumps({**HOUND, "chosen": " "}),
        json.dumps({**HOUND, "rejected": "a cat jumps"}),
        json.dumps({**HOUND, "mode": "sideways"}),
        "[]",
        json.dumps(HOUND),
        json.dumps(HOUND),
        json.dumps({**HOUND, "id": "x", "chosen": 5}),
    ]
    found = list(read_preferences(lines))
    faults = {item.line: item.fault for item in found if isinstance(item, FaultyLine)}
    assert [item.line for item in found if isinstance(item, PreferenceLine)] == [8]
    assert list(faults) == [1, 2, 4, 5, 6, 7, 9, 10]
    assert all(item.text == lines[item.line - 1] for item in found if isinstance(item, FaultyLine))
    for line, words in (
        (1, "JSON"),
        (2, "no video"),
        (4, "no chosen"),
        (5, "same words"),
        (6, "sideways"),
        (9, "twice"),
    ):
        assert words in faults[line]
