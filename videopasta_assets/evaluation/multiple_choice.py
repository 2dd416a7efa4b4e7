"""One deterministic parser for multiple-choice replies: an option, or nothing. It never guesses."""

import re
import unicodedata
from collections.abc import Sequence
from string import ascii_uppercase
from typing import Final

_WRAP: Final = r"[\(\[\{\*\"'`]*"
_UNWRAP: Final = r"[\)\]\}\*\"'`]*"
_LEAD_IN: Final = (
    r"(?:(?:the|my)\s+)?(?:(?:correct|right|best|final)\s+)*(?:answer|option|choice)\W*?"
    r"(?:(?:is|would\s+be)\b)?[\s:\-\*]*(?:option\s+)?"
)
_AT_START: Final = re.compile(rf"^{_WRAP}(?:{_LEAD_IN})?{_WRAP}(?-i:([A-Z])){_UNWRAP}(?=$|[\s.,:;)\]])", re.IGNORECASE)
_AFTER_LEAD_IN: Final = re.compile(rf"\b{_LEAD_IN}{_WRAP}(?-i:([A-Z])){_UNWRAP}(?=$|[.,:;)\]])", re.IGNORECASE)
_ALONE: Final = re.compile(rf"{_WRAP}([a-zA-Z]){_UNWRAP}[.:]?")
_LISTED: Final = re.compile(r"(?<!\w)([A-Z])[).:](?=\s|$)")
_ANOTHER: Final = re.compile(r"^\W*(?:or|and|/|,|&)\W*([A-Z])\b")
_WORDS_TOO: Final = frozenset("AI")
"""Letters that are English words: "A dog runs" names no option unless something sets the letter off."""


def parse_choice(reply: str, options: Sequence[str]) -> int | None:
    """Index of the option that `reply` names, or None.

    Read in this order: the whole reply is an option's text; a letter ("B", "(b)", "B. text", "Answer: B", "... so
    the answer is B.") and no other option's text; exactly one option's text occurs in the reply, as whole words. A
    reply that names two options names none.

    Args:
        reply: what the model wrote.
        options: texts of the options, without letters.
    """
    text = unicodedata.normalize("NFKC", reply).strip()
    texts = [_normal(option) for option in options]
    whole = _normal(text)
    if whole and texts.count(whole) == 1:
        return texts.index(whole)
    # "Answer: A" names A, also where an option's text is the word "answer".
    mentioned = _mentioned(_normal(_AFTER_LEAD_IN.sub(" ", text)), texts)
    letters = _letters(text, len(options), mentioned)
    if len(letters) == 1:
        return letters[0] if mentioned in ([], letters) else None
    return mentioned[0] if len(mentioned) == 1 and not letters else None


def _letters(text: str, count: int, mentioned: list[int]) -> list[int]:
    """Options that the reply names by letter; more than one is as good as none."""
    if alone := _ALONE.fullmatch(text):
        return _indices([alone.group(1).upper()], count)
    found = [match.group(1) for match in _AFTER_LEAD_IN.finditer(text)]
    if match := _AT_START.match(text):
        letter, rest = match.group(1), text[match.end() :]
        set_off = not rest or not rest[0].isspace()
        if set_off or letter not in _WORDS_TOO or mentioned == _indices([letter], count):
            found += [letter, *_ANOTHER.findall(rest)]
    if found:
        found += _LISTED.findall(text)
    return _indices(found, count)


def _indices(letters: Sequence[str], count: int) -> list[int]:
    return sorted({index for letter in letters if (index := ascii_uppercase.index(letter)) < count})


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
    """Words and numbers in lower case; "3.2" stays one number, or "2 seconds" would be found in "3.2 seconds"."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(re.findall(r"\d+(?:[.,:]\d+)*|\w+", folded))
