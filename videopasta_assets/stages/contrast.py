"""Verdicts of recipes without VideoPASTA's verification: is there any contrast between r+ and r-?

Two answers that say the same teach nothing, and a rejected answer that is as true as the chosen one teaches the wrong
thing. By `words` only answers in the same words are dropped; the `verifier` also drops those that it finds not to
contradict each other. Every pair that is dropped keeps its row and its reason.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Final

from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.recipes import verdict_status
from videopasta_assets.stages import verdicts
from videopasta_assets.stages.materialize import Stage
from videopasta_assets.stages.project import Engines, Project, good_rows
from videopasta_assets.stages.recipe import RecipeStage
from videopasta_assets.taxonomy import VerdictStatus

STAGE_VERSION = "1"
BY_WORDS: Final = "words"

_OF_ADVERSARY: Final = ("adversary_id", "query_id", "video_id", "slot", "attempt", "adv_mode", "adv_strategy")


def spec(project: Project) -> dict[str, str]:
    """Parts of the specification, by name."""
    if project.settings.recipe.contrast == "verifier":
        return {**verdicts.spec(project), "contrast": "verifier"}
    return {"stage": STAGE_VERSION, "contrast": BY_WORDS}


def derive(project: Project, shard: str) -> list[Derivation]:
    """One verdict a rejected answer whose chosen answer is there."""
    aligned = {row["query_id"]: row for row in good_rows(project, "aligned_responses", shard)}
    rejected = [row for row in good_rows(project, "adversaries", shard) if row["query_id"] in aligned]
    if project.settings.recipe.contrast == "verifier":
        return verdicts.derive(project, aligned, rejected)
    parts = spec(project)
    return [
        Derivation(
            row["adversary_id"],
            stable_hash(aligned[row["query_id"]]["data_version"], row["data_version"], parts),
            (aligned[row["query_id"]], row),
        )
        for row in rejected
    ]


def compute(project: Project, engines: Engines, derivations: Sequence[Derivation]) -> Iterable[Row]:
    """Compare the words, and ask the verifier where the settings say so."""
    if project.settings.recipe.contrast == "verifier":
        return verdicts.compute(project, engines, derivations)
    return (decided(item, *verdict_by_words(*item.payload)) for item in derivations)


def verdict_by_words(aligned: Row, rejected: Row) -> tuple[VerdictStatus, str]:
    """What the words alone decide."""
    status, reason = verdict_status(None, aligned["response"], rejected["response"])
    if status is VerdictStatus.REJECTED_PARSE:
        return VerdictStatus.ACCEPTED, "the answers differ"
    return status, reason


def decided(derivation: Derivation, status: VerdictStatus, reason: str) -> Row:
    """The row of a verdict that no model gave; the payload is (aligned, rejected, ...)."""
    aligned, rejected = derivation.payload[:2]
    return {
        "row_key": derivation.row_key,
        **{name: rejected[name] for name in _OF_ADVERSARY},
        **{name: aligned[name] for name in ("query_mode", "query_category")},
        "verdict": status.value,
        "reason": reason,
        "verifier": BY_WORDS,
        "created_at": datetime.now(UTC),
    }


STAGE: Final = Stage("verdicts", ("aligned_responses", "adversaries"), spec, derive)

CONTRAST: Final = RecipeStage(STAGE, compute)
"""The verdicts of a recipe that only wants contrast."""
