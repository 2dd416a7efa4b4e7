"""Verdicts: how the verifier's reply becomes the status of one (query, aligned, adversary) attempt.

Source: VideoPASTA section 3.4 and appendix A.3.1. A pair is kept if the preferred answer is sound, the adversary
clearly contradicts it instead of rephrasing it, and the misalignment is specific to the targeted mode. The
verifier reads text only: "sound" means coherent with the query, not true of the video.
"""

from dataclasses import dataclass
from typing import Any, Final

from videopasta_assets.recipes.answer_text import normalized_words, same_answer
from videopasta_assets.recipes.reply_json import find_json
from videopasta_assets.taxonomy import VerdictStatus

_CRITERIA: Final = ("preferred_ok", "is_contradiction", "is_rephrase", "mode_specific")


def verdict_schema(style: str) -> dict[str, Any]:
    """JSON schema of the verifier's reply.

    Its keys stand in the order of the style's replies, since engines that hold a model to a schema have it write them
    in that order: in `compact` the reason comes first, and the flags follow from it. There it is bounded: a model that
    rambles would have no tokens left for the flags.
    """
    reason = {"type": "string", **({"maxLength": 160} if style == "compact" else {})}
    order = ("reason", *_CRITERIA) if style == "compact" else (*_CRITERIA, "reason")
    return {
        "type": "object",
        "properties": {name: reason if name == "reason" else {"type": "boolean"} for name in order},
        "required": list(order),
        "additionalProperties": False,
    }


_WORDS: Final = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class ParsedVerdict:
    """What the verifier said; the status is derived from it, never asked for."""

    preferred_ok: bool
    is_contradiction: bool
    is_rephrase: bool
    mode_specific: bool
    reason: str


def parse_verdict(text: str) -> ParsedVerdict | None:
    """The verdict in a reply, or None if a criterion is missing or is no yes-or-no."""
    reply = find_json(text, dict)
    if reply is None:
        return None
    criteria = [_yes_or_no(reply.get(name)) for name in _CRITERIA]
    if any(value is None for value in criteria):
        return None
    preferred_ok, is_contradiction, is_rephrase, mode_specific = (bool(value) for value in criteria)
    reason = reply.get("reason")
    words = reason.split() if isinstance(reason, str) else []
    return ParsedVerdict(preferred_ok, is_contradiction, is_rephrase, mode_specific, " ".join(words))


def verdict_status(parsed: ParsedVerdict | None, aligned: str, adversary: str) -> tuple[VerdictStatus, str]:
    """Status and reason of an attempt.

    The first that applies decides:
      1. what needs no verifier: an empty aligned answer, an empty adversary, two answers in the same words;
      2. an unreadable verdict;
      3. an unsound preferred answer (regenerating the adversary cannot mend it);
      4. a rephrase; 5. no contradiction; 6. off its target mode; else accepted.
    """
    if (decided := _status_without_verifier(aligned, adversary)) is not None:
        return decided
    if parsed is None:
        return VerdictStatus.REJECTED_PARSE, "the verifier's reply holds no complete verdict"
    faults = (
        (not parsed.preferred_ok, VerdictStatus.REJECTED_PREFERRED, "the aligned answer is unsound"),
        (parsed.is_rephrase, VerdictStatus.REJECTED_SIMILAR, "the adversary rephrases the aligned answer"),
        (
            not parsed.is_contradiction,
            VerdictStatus.REJECTED_NO_CONTRADICTION,
            "the answers do not contradict each other",
        ),
        (not parsed.mode_specific, VerdictStatus.REJECTED_OFF_MODE, "the error is not of the targeted mode"),
    )
    for applies, status, fallback in faults:
        if applies:
            return status, parsed.reason or fallback
    return VerdictStatus.ACCEPTED, parsed.reason or "all criteria hold"


def _status_without_verifier(aligned: str, adversary: str) -> tuple[VerdictStatus, str] | None:
    if not normalized_words(aligned):
        return VerdictStatus.REJECTED_PREFERRED, "the aligned answer is empty"
    if not normalized_words(adversary):
        return VerdictStatus.REJECTED_NO_CONTRADICTION, "the adversary is empty"
    if same_answer(aligned, adversary):
        return VerdictStatus.REJECTED_SIMILAR, "both answers say the same in the same words"
    return None


def _yes_or_no(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return _WORDS.get(str(value).strip().casefold()) if isinstance(value, str | int) else None
