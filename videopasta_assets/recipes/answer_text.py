"""Sameness of two answers, decided without a model."""

import re
import unicodedata
from typing import Final

_WORD: Final = re.compile(r"[^\W_]+(?:'[^\W_]+)?")
_ARTICLES: Final = frozenset({"a", "an", "the"})
_NUMBERS: Final = {
    word: str(number)
    for number, word in enumerate(
        ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")
    )
}
_SECONDS: Final = frozenset({"s", "sec", "second", "seconds"})
_CONTRACTIONS: Final = {
    "can't": "can not",
    "cannot": "can not",
    "won't": "will not",
    "it's": "it is",
    "there's": "there is",
}


def normalized_words(text: str) -> list[str]:
    """The words that carry an answer: case, punctuation, articles, contractions and spelt-out numbers made equal."""
    plain = unicodedata.normalize("NFKC", text).casefold().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    words: list[str] = []
    for word in _WORD.findall(plain):
        expanded = _CONTRACTIONS.get(word) or (f"{word[:-3]} not" if word.endswith("n't") else word)
        words.extend(_NUMBERS.get(part, part) for part in expanded.split() if part not in _ARTICLES)
    return words


def same_answer(first: str, second: str, seconds: float = 0.0) -> bool:
    """True if both say the same in the same words; numbers of seconds may be `seconds` apart.

    Deliberately no edit distance and no bag of words: "left of" and "right of" are one word apart, and "A before B"
    has the words of "B before A", yet these are exactly the contradictions that a recipe looks for.
    """
    one, two = normalized_words(first), normalized_words(second)
    if one == two or seconds <= 0 or len(one) != len(two):
        return one == two
    units = [*one[1:], ""]
    return all(
        a == b or (unit in _SECONDS and a.isdecimal() and b.isdecimal() and abs(int(a) - int(b)) <= seconds)
        for a, b, unit in zip(one, two, units, strict=True)
    )
