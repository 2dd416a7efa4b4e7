"""From a model's reply to right, wrong or not to be read. One deterministic reader for all forms; it never guesses."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

from videopasta_assets.evaluation.item import BenchmarkItem
from videopasta_assets.evaluation.multiple_choice import parse_choice

YES_NO: Final = ("yes", "no")
_LABEL: Final = re.compile(
    r"^\W*(?:(?:the\s+)?(?:correct|best|right)?\s*(?:answer|match)\s*(?:is)?\W*)?"
    r"(?P<label>(?:sentence|option|caption)\s+[a-h1-8])\b",
    re.IGNORECASE,
)
_FIRST_WORD: Final = re.compile(r"^\W*(yes|no)\b", re.IGNORECASE)
_ANSWER_IS: Final = re.compile(r"\banswer(?:\s+is|\s*:)\W*(yes|no)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Reading:
    """What a reply says: the option that it names (None with open questions), whether it is right, and readable."""

    predicted_index: int | None
    correct: bool
    parsed: bool


def read_reply(item: BenchmarkItem, reply: str) -> Reading:
    """Read the reply to an item. What cannot be read is wrong.

    Forms: `choice` (`parse_choice`, and the published names of options, such as "Option 2"); `yes_no` (the first
    word, or "the answer is ..."); `captioned` (the judge's choice among the options); `open` (the reference's words
    occur in the reply, in order: without a judge).
    """
    if item.form == "open":
        text, wanted = _words(reply), _words(item.reference)
        return Reading(None, bool(wanted) and f" {wanted} " in f" {text} ", bool(text))
    if item.form == "yes_no":
        place = parse_yes_no(reply)
    else:
        place = _by_label(item, reply)
        if place is None:
            place = parse_choice(reply, item.options)
    return Reading(place, place == item.answer_index, place is not None)


def parse_yes_no(reply: str) -> int | None:
    """0 for yes, 1 for no, None where the reply begins with neither and names none as its answer."""
    found = _FIRST_WORD.match(reply) or _ANSWER_IS.search(reply)
    return None if found is None else YES_NO.index(found.group(1).lower())


def _by_label(item: BenchmarkItem, reply: str) -> int | None:
    if not item.labels or (found := _LABEL.match(reply)) is None:
        return None
    labels = [label.casefold() for label in item.labels]
    label = " ".join(found["label"].casefold().split())
    return labels.index(label) if label in labels else None


def _words(text: str) -> str:
    return " ".join(re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold()))
