"""LLaVA-Hound-DPO's scores: how good an answer is by a caption of its video, from 1 to 5."""

from typing import Any, Final

from videopasta_assets.recipes.answer_text import same_answer
from videopasta_assets.recipes.reply_json import find_json

LOWEST: Final = 1
HIGHEST: Final = 5

SCORE_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "score": {"type": "integer", "minimum": LOWEST, "maximum": HIGHEST},
        "reason": {"type": "string"},
    },
    "required": ["score", "reason"],
    "additionalProperties": False,
}
"""JSON schema of the reply in the `standard` style."""


_SAME_SECONDS: Final = 1.0
"""Times that are no further apart are the same."""


def parse_score(text: str, style: str, answer: str) -> int | None:
    """The score of a reply about `answer`; None if it has none.

    In the compact style the reply is the scorer's own considered answer: the share of its sentences that `answer` has
    gives the score.
    """
    if style == "compact":
        considered, given = _sentences(text), _sentences(answer)
        if not considered:
            return None
        shared = sum(any(same_answer(one, other, _SAME_SECONDS) for other in given) for one in considered)
        return LOWEST + round((HIGHEST - LOWEST) * shared / max(len(considered), len(given)))
    reply = find_json(text, dict)
    score = None if reply is None else reply.get("score")
    if isinstance(score, str) and score.strip().isdigit():
        score = int(score)
    whole = isinstance(score, int | float) and not isinstance(score, bool) and float(score).is_integer()
    return int(score) if whole and score is not None and LOWEST <= score <= HIGHEST else None


def _sentences(text: str) -> list[str]:
    return [sentence for part in text.split(". ") if (sentence := part.strip().rstrip("."))]
