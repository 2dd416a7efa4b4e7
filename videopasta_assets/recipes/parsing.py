"""The query writer's reply, read.

In the `standard` style it is a JSON list of {"query", "category"}; in the `compact` style the whole reply is one
question.
"""

from typing import Any, Final

from videopasta_assets.recipes.reply_json import find_json, find_json_objects, without_reasoning
from videopasta_assets.taxonomy import CATEGORIES

_ALL_CATEGORIES: Final = tuple(name for names in CATEGORIES.values() for name in names)

QUERY_SCHEMA: Final[dict[str, Any]] = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "properties": {
            "query": {"type": "string", "minLength": 1},
            "category": {"type": "string", "enum": list(_ALL_CATEGORIES)},
        },
        "required": ["query", "category"],
        "additionalProperties": False,
    },
}
"""JSON schema of the reply in the `standard` style."""


def parse_queries(text: str, style: str, wanted: int = 1, category: str | None = None) -> list[str]:
    """At most `wanted` distinct questions of a reply, in its order; empty if it holds none.

    Args:
        text: the reply; reasoning, fences and prose around the list are passed over, a list that was cut off
            gives its complete items.
        style: `standard` or `compact`.
        wanted: how many questions were asked for.
        category: what they were asked about. A question that is tagged with another category of the taxonomy is
            then left out: it would be filed under a category that it does not probe. An unknown tag is no tag.
    """
    if style == "compact":
        return [question] if (question := _one_line(without_reasoning(text))) and wanted > 0 else []
    reply = find_json(text, list)
    items = find_json_objects(text) if reply is None else reply
    questions: dict[str, str] = {}
    for item in items:
        question, tag = _question(item), _tag(item)
        if question and (category is None or tag == category or tag not in _ALL_CATEGORIES):
            questions.setdefault(question.casefold(), question)
    return list(questions.values())[:wanted]


def _question(item: Any) -> str:
    question = item.get("query") if isinstance(item, dict) else item
    return _one_line(question) if isinstance(question, str) else ""


def _tag(item: Any) -> str:
    tag = item.get("category", "") if isinstance(item, dict) else ""
    return "_".join(tag.casefold().replace("-", " ").split()) if isinstance(tag, str) else ""


def _one_line(text: str) -> str:
    return " ".join(text.split())
