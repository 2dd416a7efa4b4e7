"""LLaVA-Hound-DPO's scores: how good an answer is by a caption of its video, from 1 to 5."""

from typing import Any, Final

from videopasta_assets.recipes.reply_json import find_json
from videopasta_assets.recipes.truth_check import parse_truth

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


def parse_score(text: str, style: str) -> int | None:
    """The score of a reply; None if it has none. In the compact style, "true" is the highest and "false" the lowest."""
    if style == "compact":
        true = parse_truth(text)
        return None if true is None else HIGHEST if true else LOWEST
    reply = find_json(text, dict)
    score = None if reply is None else reply.get("score")
    if isinstance(score, str) and score.strip().isdigit():
        score = int(score)
    whole = isinstance(score, int | float) and not isinstance(score, bool) and float(score).is_integer()
    return int(score) if whole and score is not None and LOWEST <= score <= HIGHEST else None
