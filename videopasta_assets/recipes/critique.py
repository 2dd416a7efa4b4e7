"""VideoSAVi's self-critique: which errors a model finds in its own answer, and words of it that no answer may have.

Source: VideoSAVi (arXiv 2412.00624 v2/v3); the six types are those of its table 2.
"""

import re
from dataclasses import dataclass
from typing import Any, Final

from videopasta_assets.recipes.answer_text import same_answer
from videopasta_assets.recipes.reply_json import find_json, without_reasoning
from videopasta_assets.taxonomy import FailureMode

ERROR_TYPES: Final = (
    "factual_inaccuracy",
    "temporal_ordering",
    "spatial_relationship",
    "object_hallucination",
    "causal_reasoning",
    "detail_omission",
)
"""What a critique may find, in the order of table 2."""

CRITIQUE_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "has_error": {"type": "boolean"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "type": {"type": "string", "enum": list(ERROR_TYPES)},
                    "evidence": {"type": "string"},
                    "correction": {"type": "string"},
                },
                "required": ["type", "evidence", "correction"],
                "additionalProperties": False,
            },
        },
    },
    "required": ["has_error", "errors"],
    "additionalProperties": False,
}
"""JSON schema of the reply in the `standard` style."""

_TYPE_OF_MODE: Final = {
    FailureMode.SPATIAL: "spatial_relationship",
    FailureMode.TEMPORAL: "temporal_ordering",
    FailureMode.CROSS_FRAME: "factual_inaccuracy",
}
"""What an answer that is not the considered one is counted as: the compact style's critic names no type."""

_SAME_SECONDS: Final = 1.0
"""Times that are no further apart are the same."""

_LEAD_IN: Final = re.compile(
    r"^\s*(?:here is |here's )?(?:the |my |an? )?(?:revised|corrected|improved|updated|new|final)\s+"
    r"(?:answer|response|version|text)\s*(?:is\s*)?[:\-\N{EN DASH}]\s*",
    re.IGNORECASE,
)
_LEAK: Final = re.compile(
    r"\b(?:critique|criticism|feedback|reviewer|"
    r"(?:initial|original|previous|earlier|first|revised|corrected)\s+(?:answer|response|statement|description)|"
    r"i (?:apologi[sz]e|was wrong|stand corrected)|as (?:noted|pointed out|you said|mentioned above)|"
    r"(?:answer|response) (?:was|is) (?:wrong|incorrect|inaccurate)|error list)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class FoundError:
    """One error: its type, what in the video shows it, and what would be right."""

    type: str
    evidence: str
    correction: str


@dataclass(frozen=True)
class Critique:
    """What a model said of its own answer; no error: the answer stands."""

    errors: tuple[FoundError, ...]

    @property
    def has_error(self) -> bool:
        """The answer has to be revised."""
        return bool(self.errors)


def parse_critique(text: str, style: str, mode: FailureMode, answer: str) -> Critique | None:
    """The critique in a reply; None if it is none, or if it claims an error and names none of a known type.

    Args:
        text: the reply.
        style: `standard`: JSON as in `CRITIQUE_SCHEMA`; `compact`: the model's considered answer to the question.
        mode: of the question: it decides the type of an error that the compact style does not name.
        answer: what is criticized.
    """
    if style == "compact":
        considered = " ".join(text.split())
        if not considered:
            return None
        agrees = same_answer(considered, answer, _SAME_SECONDS)
        return Critique(() if agrees else (FoundError(_TYPE_OF_MODE[mode], "", considered),))
    reply = find_json(text, dict)
    if reply is None or not isinstance(reply.get("errors"), list):
        return None
    errors = tuple(found for item in reply["errors"] if (found := _error(item)) is not None)
    claimed = reply.get("has_error")
    if claimed is False:
        return Critique(())
    return Critique(errors) if errors or claimed is None else None


def _error(item: Any) -> FoundError | None:
    if not isinstance(item, dict):
        return None
    kind = "_".join(str(item.get("type", "")).casefold().replace("-", " ").split())
    if kind not in ERROR_TYPES:
        return None
    return FoundError(kind, *(" ".join(str(item.get(name) or "").split()) for name in ("evidence", "correction")))


def revised_text(reply: str) -> str:
    """The answer in a reviser's reply, without reasoning and without a lead-in such as "Revised answer:"."""
    return _LEAD_IN.sub("", without_reasoning(reply)).strip()


def speaks_of_critique(answer: str) -> bool:
    """The answer tells of the critique or of an earlier answer: training on it would teach the model to do so."""
    return _LEAK.search(answer) is not None
