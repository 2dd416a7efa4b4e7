"""JSON in a model's reply: found among prose, fences and reasoning, and forgiven its usual small faults."""

import json
import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

_REASONING: Final = re.compile(r"<think>.*?(</think>|\Z)", re.DOTALL)
_OPENING: Final = re.compile(r"[\[{]")
_CLOSING: Final = {"{": "}", "[": "]"}
# A reply that is longer than this is a runaway generation; parsing it leniently would only cost time.
_LENIENT_LIMIT: Final = 20_000


def find_json(text: str, kind: type[dict[str, Any]] | type[list[Any]]) -> Any | None:
    """The first JSON value of `kind` (`dict` or `list`) in `text`, or None.

    Strict JSON is tried first. Then the text between the first opening and the last closing bracket is read as
    YAML's flow style, which is JSON that also takes trailing commas, single quotes and `True`.
    """
    text = without_reasoning(text)
    strict = next((value for value in _strict_values(text) if isinstance(value, kind)), None)
    return _lenient_value(text, kind) if strict is None else strict


def find_json_objects(text: str) -> list[dict[str, Any]]:
    """Every complete object in `text`, in order: what can be saved of a list that was cut off."""
    return [value for value in _strict_values(without_reasoning(text)) if isinstance(value, dict)]


def without_reasoning(text: str) -> str:
    """`text` without `<think>` blocks, closed or not."""
    return _REASONING.sub("", text)


def _strict_values(text: str) -> Iterator[Any]:
    decoder = json.JSONDecoder(strict=False)  # models write raw newlines inside strings
    position = 0
    while opening := _OPENING.search(text, position):
        try:
            value, position = decoder.raw_decode(text, opening.start())
        except (json.JSONDecodeError, RecursionError):
            position = opening.end()
            continue
        yield value


def _lenient_value(text: str, kind: type[dict[str, Any]] | type[list[Any]]) -> Any | None:
    bracket = "{" if kind is dict else "["
    start, end = text.find(bracket), text.rfind(_CLOSING[bracket])
    if start < 0 or end <= start or end - start > _LENIENT_LIMIT:
        return None
    try:
        value = yaml.safe_load(text[start : end + 1])
    except (yaml.YAMLError, ValueError, RecursionError):
        return None
    return value if isinstance(value, kind) else None
