"""Table `human_verdicts`: what people said of attempts. Written by a person's click, never by a run.

A row is bound to the texts that the person read: when the aligned response or the adversary is generated anew with
another text, the row stays and no longer counts.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from videopasta_assets.errors import UserError
from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import TABLES, Row
from videopasta_assets.stages.project import Project, good_rows

STAGE_VERSION = "1"
MOST_COMMENT_CHARACTERS: Final = 4000
MOST_AUTHOR_CHARACTERS: Final = 200


class Decision(StrEnum):
    """What a person may say of an attempt."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    COMMENTED = "commented"


@dataclass(frozen=True)
class Opinion:
    """A person's words on one attempt, before they are recorded.

    Attributes:
        adversary_id: the attempt.
        decision: what to do with it.
        author: who says so.
        comment: why; may be empty, except where the decision is to comment.
        read: data versions of the aligned response and the adversary that the person read.
    """

    adversary_id: str
    decision: Decision
    author: str
    comment: str
    read: tuple[str, str]


def record(project: Project, shard: str, opinion: Opinion) -> Row:
    """Append one row, durable when this returns; the row as written.

    Raises:
        UserError: no such attempt, it holds no text, its texts have changed since the person read them, or the
            author or the comment is empty or too long.
        LakeError: it cannot be written.
    """
    author, comment = opinion.author.strip(), opinion.comment.strip()
    _check_words(opinion.decision, author, comment)
    adversary = _attempt(project, shard, opinion)
    verdicts = {row["adversary_id"]: row["verdict"] for row in good_rows(project, "verdicts", shard)}
    address = project.address("human_verdicts", shard)
    with project.lake.lock(address):
        rows = project.lake.rows(address)
        ordinal = max((row["ordinal"] for row in rows), default=0) + 1
        decided_at = datetime.now(UTC)
        digest = stable_hash("human verdict", shard, ordinal, opinion.adversary_id, author, decided_at.isoformat())
        key = f"{ordinal:09d}-{digest}"  # rows are kept in the order of their keys: that of their time
        places = ("adversary_id", "query_id", "video_id", "slot", "attempt", "adv_mode", "adv_strategy")
        row = TABLES["human_verdicts"].versioned(
            {
                "row_key": key,
                "provenance": stable_hash(STAGE_VERSION, opinion.read),
                "human_verdict_id": key,
                "ordinal": ordinal,
                **{name: adversary[name] for name in places},
                "decision": opinion.decision.value,
                "comment": comment or None,
                "author": author,
                "verdict": verdicts.get(opinion.adversary_id),
                "aligned_version": opinion.read[0],
                "adversary_version": opinion.read[1],
                "decided_at": decided_at,
            }
        )
        project.lake.write(address, [*rows, row], {"stage": STAGE_VERSION})
    return row


def decisions(rows: Iterable[Row]) -> dict[tuple[str, str, str], Row]:
    """Decisions that count, by (adversary_id, aligned_version, adversary_version): the last that was not withdrawn."""
    last: dict[tuple[str, str, str], Row] = {}
    for row in sorted(rows, key=lambda row: int(row["ordinal"])):
        if row["decision"] != Decision.COMMENTED:
            last[row["adversary_id"], row["aligned_version"], row["adversary_version"]] = row
    return {key: row for key, row in last.items() if row["decision"] != Decision.WITHDRAWN}


def _check_words(decision: Decision, author: str, comment: str) -> None:
    if not author or len(author) > MOST_AUTHOR_CHARACTERS or not author.isprintable():
        raise UserError(
            "a verdict needs the name of its author",
            where="author",
            fix=f"Give one line of at most {MOST_AUTHOR_CHARACTERS} characters.",
        )
    if len(comment) > MOST_COMMENT_CHARACTERS:
        raise UserError(
            f"this comment has {len(comment)} characters",
            where="comment",
            fix=f"Shorten it to {MOST_COMMENT_CHARACTERS}.",
        )
    if decision is Decision.COMMENTED and not comment:
        raise UserError("the comment is empty", where="comment", fix="Write something, or accept or reject.")


def _attempt(project: Project, shard: str, opinion: Opinion) -> Row:
    held = shard in project.shards_of("adversaries")
    rows = good_rows(project, "adversaries", shard) if held else ()
    adversary = next((row for row in rows if row["adversary_id"] == opinion.adversary_id), None)
    if adversary is None:
        raise UserError(
            "this attempt is not in the lake, or holds no text", where=f"shard {shard}", fix="Load the page again."
        )
    aligned = {row["query_id"]: row for row in good_rows(project, "aligned_responses", shard)}
    now = (aligned.get(adversary["query_id"], {}).get("data_version"), adversary["data_version"])
    if now != opinion.read:
        raise UserError(
            "the texts of this pair have changed since they were shown",
            where=f"attempt {opinion.adversary_id}",
            fix="Load the page again and look at the new ones.",
        )
    return adversary
