"""One deterministic parser for multiple-choice replies: an option, or nothing. It never guesses."""

import re
import unicodedata
from collections.abc import Sequence
from string import ascii_uppercase
from typing import Final

_LEAD_IN: Final = re.compile(
    r"^(?:the\s+)?(?:correct\s+|right\s+|best\s+|final\s+)*(?:answer|option|choice)"
    r"\s*(?:is|would be)?\s*[:\-]?\s*(?:option\s+)?",
    re.IGNORECASE,
)
_LETTER: Final = re.compile(r"^[\(\[\{\*\"'`]*([A-Z])[\)\]\}\*\"'`]*(?=$|[\s.,:;)\]])")


def parse_choice(reply: str, options: Sequence[str]) -> int | None:
    """Index of the option that `reply` names, or None.

    Read in this order: the whole reply is an option's text; a letter stands first ("B", "(B)", "B. text",
    "Answer: B"), and no other option's text follows it; exactly one option's text occurs in the reply. A reply that
    names two options names none.

    Args:
        reply: what the model wrote.
        options: texts of the options, without letters.
    """
    text = reply.strip()
    texts = [_normal(option) for option in options]
    whole = _normal(text)
    if whole in texts and whole:
        return texts.index(whole)
    mentioned = _mentioned(whole, texts)
    letter = _letter(text, len(options))
    if letter is not None:
        return letter if mentioned in ([], [letter]) else None
    return mentioned[0] if len(mentioned) == 1 else None


def _letter(text: str, count: int) -> int | None:
    stripped = _LEAD_IN.sub("", text, count=1)
    match = _LETTER.match(stripped)
    if match is None:
        return None
    # A lone article opens many sentences: "A dog runs" names no option unless punctuation sets the letter off.
    rest = stripped[match.end() :]
    if match.group(0) == "A" and stripped == text and rest[:1].isspace():
        return None
    index = ascii_uppercase.index(match.group(1))
    return index if index < count else None


def _mentioned(text: str, options: Sequence[str]) -> list[int]:
    """Options whose words occur in `text`, longest first: a short option inside a longer one is no hit."""
    found: list[int] = []
    remaining = f" {text} "
    for index in sorted(range(len(options)), key=lambda index: -len(options[index])):
        needle = f" {options[index]} "
        if options[index] and needle in remaining:
            found.append(index)
            remaining = remaining.replace(needle, " \0 ")
    return sorted(found)


def _normal(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.findall(r"\w+", folded))
