"""What happened in a shard's slots, as counts of histories: which templates were tried, and how each attempt ended.

A history is enough to say which rows a changed template, model or setting makes stale, attempt by attempt: a plan
over thousands of shards reads the counts from the manifests' footers, and no row.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from videopasta_assets.lake import Row


class Ending(StrEnum):
    """How an attempt ended: the verifier was asked, or it was not needed; there is no adversary, or no verdict."""

    ASKED = ""
    UNASKED = "="
    UNANSWERED = "!"
    UNJUDGED = "?"


@dataclass(frozen=True)
class Attempt:
    """One attempt of a slot: its template (`mode/strategy`) and its ending."""

    template: str
    ending: Ending


def histories(adversaries: Iterable[Row], verdicts: Iterable[Row]) -> dict[str, int]:
    """Slots by history, as a manifest keeps them."""
    judged = {row["row_key"]: row for row in verdicts}
    slots: dict[tuple[str, int], list[str]] = {}
    for row in sorted(adversaries, key=lambda row: (row["query_id"], row["slot"], row["attempt"])):
        ending = _ending(row, judged.get(row["row_key"]))
        slots.setdefault((row["query_id"], row["slot"]), []).append(
            f"{row['adv_mode']}/{row['adv_strategy']}{ending.value}"
        )
    return dict(sorted(Counter(" ".join(attempts) for attempts in slots.values()).items()))


def parse_histories(counts: Mapping[str, int]) -> dict[tuple[Attempt, ...], int]:
    """The histories of a manifest."""
    return {tuple(map(_parsed, history.split(" "))): count for history, count in counts.items()}


def _ending(adversary: Row, verdict: Row | None) -> Ending:
    if adversary["error"] is not None or verdict is None:
        return Ending.UNANSWERED
    if verdict["error"] is not None:
        return Ending.UNJUDGED
    return Ending.UNASKED if verdict["reply"] is None else Ending.ASKED


def _parsed(text: str) -> Attempt:
    template = text.rstrip("=!?")
    return Attempt(template, Ending(text[len(template) :]))
