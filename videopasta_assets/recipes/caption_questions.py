"""TimeWarp-Explicit's replies: exactly so many questions with their answers, and one answer."""

from typing import Any, Final

from videopasta_assets.recipes.reply_json import find_json, find_json_objects, without_reasoning

QUESTIONS_SCHEMA: Final[dict[str, Any]] = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "properties": {"question": {"type": "string", "minLength": 1}, "answer": {"type": "string", "minLength": 1}},
        "required": ["question", "answer"],
        "additionalProperties": False,
    },
}
"""JSON schema of the questions with their answers."""


def parse_questions(text: str, wanted: int) -> list[tuple[str, str]] | None:
    """`wanted` different (question, answer); None if the reply holds fewer, more, or an empty one."""
    reply = find_json(text, list)
    items = find_json_objects(text) if reply is None else reply
    found: dict[str, tuple[str, str]] = {}
    for item in items:
        question, answer = (_text(item.get(name)) if isinstance(item, dict) else "" for name in ("question", "answer"))
        if not question or not answer:
            return None
        found.setdefault(question.casefold(), (question, answer))
    return list(found.values()) if len(found) == len(items) == wanted else None


def parse_answer(text: str) -> str:
    """The answer in a reply, behind its marker if it has one; empty if there is none."""
    plain = without_reasoning(text).strip()
    marker, colon, rest = plain.partition(":")
    return _text(rest if colon and marker.strip(" *#").casefold() == "answer" else plain)


def _text(value: Any) -> str:
    return " ".join(value.split()).strip("* ") if isinstance(value, str) else ""
