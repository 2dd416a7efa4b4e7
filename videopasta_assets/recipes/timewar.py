"""TimeWar's items (TimeWarp, section 3.3): four options about time, answered from either order of the scenes."""

import random
from collections.abc import Sequence
from typing import Any, Final

from videopasta_assets.recipes.answer_text import normalized_words, same_answer
from videopasta_assets.recipes.reply_json import find_json, find_json_objects, without_reasoning

OPTIONS: Final = 4

ITEMS_SCHEMA: Final[dict[str, Any]] = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "properties": {
            "question": {"type": "string", "minLength": 1},
            "options": {"type": "array", "items": {"type": "string"}, "minItems": OPTIONS, "maxItems": OPTIONS},
            "answer": {"type": "integer", "minimum": 1, "maximum": OPTIONS},
        },
        "required": ["question", "options", "answer"],
        "additionalProperties": False,
    },
}
"""JSON schema of the questions with options; `answer` counts from 1."""


def parse_items(text: str, wanted: int) -> list[tuple[str, tuple[str, ...], int]] | None:
    """`wanted` (question, options, index of the answer from 0); None if the reply holds anything else."""
    reply = find_json(text, list)
    items = find_json_objects(text) if reply is None else reply
    found = [_item(item) for item in items]
    if len(found) != wanted or any(item is None for item in found):
        return None
    return [item for item in found if item is not None]


def parse_number(text: str, options: Sequence[str]) -> int | None:
    """The option (from 0) of a reply such as "Answer: 2. the text"; None where number and text name different ones."""
    plain = without_reasoning(text).strip()
    marker, colon, rest = plain.partition(":")
    plain = rest.strip() if colon and marker.strip(" *#").casefold() == "answer" else plain
    by_text = [number for number, option in enumerate(options) if _said(option, plain)]
    digit = plain[:1]
    if digit.isdigit():
        number = int(digit) - 1
        return number if 0 <= number < len(options) and (not by_text or by_text == [number]) else None
    return by_text[0] if len(by_text) == 1 else None


def options_from_answers(
    right: str, altered: str, others: Sequence[str], seed: int
) -> tuple[tuple[str, ...], int] | None:
    """Four different options of answers that were given, in a seeded order, and the place of `right`.

    None where the answers are not different enough for four options.
    """
    chosen: list[str] = []
    for text in (right, altered, *others):
        if normalized_words(text) and not any(same_answer(text, known) for known in chosen):
            chosen.append(text)
    if len(chosen) < OPTIONS:
        return None
    order = random.Random(seed).sample(range(OPTIONS), OPTIONS)
    options = tuple(chosen[index] for index in order)
    return options, options.index(chosen[0])


def chance_scores() -> dict[str, float]:
    """Text, video and group score (TimeWarp table 3) of a model that flips a coin at each of the four judgements.

    Text and video are two judgements each: 1/4. A group is all four: 1/16. The paper prints 12.5 % for the group, which
    neither this nor one consistent ranking of four (1/6) gives: it is quoted as the paper's, never as chance.
    """
    return {"text": 0.25, "video": 0.25, "group": 0.0625}


PAPER_RANDOM_GROUP: Final = 0.125
"""The group score that TimeWarp's table 3 gives for random answers."""


def _item(data: Any) -> tuple[str, tuple[str, ...], int] | None:
    if not isinstance(data, dict):
        return None
    question, options, answer = (data.get(name) for name in ("question", "options", "answer"))
    if not (isinstance(question, str) and question.strip() and isinstance(options, list) and len(options) == OPTIONS):
        return None
    texts = tuple(" ".join(str(option).split()) for option in options)
    if len({text.casefold() for text in texts}) != OPTIONS or not all(texts):
        return None
    if not isinstance(answer, int) or isinstance(answer, bool) or not 1 <= answer <= OPTIONS:
        return None
    return " ".join(question.split()), texts, answer - 1


def _said(option: str, reply: str) -> bool:
    words, said = normalized_words(option), normalized_words(reply)
    return any(said[start : start + len(words)] == words for start in range(len(said) - len(words) + 1))
