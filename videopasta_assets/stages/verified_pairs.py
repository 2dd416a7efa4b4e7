"""Stage `verified_pairs`: accepted attempts as preference pairs. A join: no model is asked."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.stages.materialize import Outcome, Progress, Stage, run_stage, silent
from videopasta_assets.stages.project import Project, good_rows
from videopasta_assets.taxonomy import VerdictStatus

STAGE_VERSION = "1"


def spec(project: Project) -> dict[str, str]:  # noqa: ARG001 - every stage has the same signature
    """Parts of the specification, by name."""
    return {"stage": STAGE_VERSION}


def derive(project: Project, shard: str) -> list[Derivation]:
    """One row an accepted attempt whose inputs are all there; a verdict on inputs that are gone is stale itself."""
    by_key = {
        table: {row[key]: row for row in good_rows(project, table, shard)}
        for table, key in (
            ("sampled_videos", "video_id"),
            ("queries", "query_id"),
            ("aligned_responses", "query_id"),
            ("adversaries", "adversary_id"),
        )
    }
    derivations = []
    for verdict in good_rows(project, "verdicts", shard):
        if verdict["verdict"] != VerdictStatus.ACCEPTED:
            continue
        parts = (
            by_key["sampled_videos"].get(verdict["video_id"]),
            by_key["queries"].get(verdict["query_id"]),
            by_key["aligned_responses"].get(verdict["query_id"]),
            by_key["adversaries"].get(verdict["adversary_id"]),
            verdict,
        )
        if any(part is None for part in parts):
            continue
        provenance = stable_hash(STAGE_VERSION, [part["data_version"] for part in parts if part])
        derivations.append(Derivation(verdict["adversary_id"], provenance, parts))
    return derivations


def compute(derivations: Sequence[Derivation]) -> Iterator[Row]:
    """Join the five rows that a pair comes from."""
    for derivation in derivations:
        video, query, aligned, adversary, verdict = derivation.payload
        yield {
            "row_key": derivation.row_key,
            "pair_id": derivation.row_key,
            "video_id": video["video_id"],
            "query_id": query["query_id"],
            "query_mode": query["query_mode"],
            "query_category": query["query_category"],
            "adv_mode": adversary["adv_mode"],
            "adv_strategy": adversary["adv_strategy"],
            "slot": adversary["slot"],
            "attempt": adversary["attempt"],
            "query": query["query"],
            "chosen": aligned["response"],
            "rejected": adversary["response"],
            "dense_frames": video["dense_frames"],
            "dense_timestamps": video["dense_timestamps"],
            "sparse_frames": video["sparse_frames"],
            "generator": query["generator"],
            "responder": adversary["responder"],
            "verifier": verdict["verifier"],
            "verdict": verdict["verdict"],
            "reason": verdict["reason"],
            "prompt_version": aligned["prompt_version"],
            "seed": adversary["seed"],
            "created_at": datetime.now(UTC),
        }


STAGE: Final = Stage(
    "verified_pairs", ("sampled_videos", "queries", "aligned_responses", "adversaries", "verdicts"), spec, derive
)


def run(project: Project, shard: str, *, retry_failed: bool = False, progress: Progress = silent) -> Outcome:
    """Bring the shard's `verified_pairs` up to date."""
    return run_stage(project, STAGE, shard, compute, retry_failed=retry_failed, progress=progress)
