"""Targeting: which mode a blind judge says that an adversary breaks (VideoPASTA appendix A.2.1).

The judge sees query, aligned answer and adversary, never the intended mode.
"""

from dataclasses import dataclass
from typing import Any, Final

from videopasta_assets.recipes.reply_json import find_json
from videopasta_assets.taxonomy import MODES, FailureMode

_NONE: Final = "none"

MODE_JUDGEMENT_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"mode": {"type": "string", "enum": [*(mode.value for mode in MODES), _NONE]}},
    "required": ["mode"],
    "additionalProperties": False,
}
"""JSON schema of the judge's reply."""


@dataclass(frozen=True)
class ModeJudgement:
    """The mode that the judge named; None where it says that no mode is broken."""

    mode: FailureMode | None


def parse_mode_judgement(text: str) -> ModeJudgement | None:
    """The judge's answer, as JSON or as the bare word; None if it is neither."""
    reply = find_json(text, dict)
    word = reply.get("mode", "") if reply is not None else text
    if not isinstance(word, str):
        return None
    name = "_".join(word.strip(" .\"'`\n").casefold().replace("-", " ").split())
    if name == _NONE:
        return ModeJudgement(None)
    return ModeJudgement(FailureMode(name)) if name in set(MODES) else None
