"""The reply of a checker that sees the video: is every statement of an answer true?"""

from typing import Any, Final

from videopasta_assets.recipes.reply_json import find_json

TRUTH_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"true": {"type": "boolean"}, "reason": {"type": "string"}},
    "required": ["true", "reason"],
    "additionalProperties": False,
}
"""JSON schema of the reply in the `standard` style."""

_WORDS: Final = {"true": True, "yes": True, "false": False, "no": False}


def parse_truth(text: str) -> bool | None:
    """True or false as the checker said it, as JSON or as the first word; None if it is neither."""
    reply = find_json(text, dict)
    if reply is not None:
        value = reply.get("true", reply.get(True))  # lenient parsing reads a bare `true` key as a boolean
        return value if isinstance(value, bool) else _WORDS.get(str(value).strip().casefold())
    words = text.strip().casefold().split()
    return _WORDS.get(words[0].strip(".,:;!\"'`*")) if words else None
