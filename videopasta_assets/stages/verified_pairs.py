"""Stage `verified_pairs`: accepted attempts as preference pairs. A join: no model is asked.

Accepted by whom: a person's decision wins over the verifier's. A slot gives at most one pair; where a person accepted
an attempt, it replaces the one that the verifier accepted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.stages import human_verdicts
from videopasta_assets.stages.human_verdicts import Decision
from videopasta_assets.stages.materialize import Outcome, Progress, Stage, run_stage, silent
from videopasta_assets.stages.project import Project, good_rows
from videopasta_assets.stages.recipes import recipe_of
from videopasta_assets.taxonomy import VerdictStatus
from videopasta_assets.video.clip import Clip

STAGE_VERSION = "1"


@dataclass(frozen=True)
class Sources:
    """The rows that a pair comes from; `human` is the decision of a person where there is one."""

    video: Row
    query: Row
    aligned: Row
    adversary: Row
    verdict: Row
    human: Row | None
    clip: Clip | None = None
    """What the question is about, where that is not the video's own dense frames."""

    @property
    def accepted(self) -> bool:
        """By the person if there was one, else by the verifier."""
        if self.human is not None:
            return bool(self.human["decision"] == Decision.ACCEPTED)
        return self.verdict["error"] is None and bool(self.verdict["verdict"] == VerdictStatus.ACCEPTED)

    @property
    def provenance(self) -> str:
        """Of the pair: the versions of all its rows."""
        rows = (self.video, self.query, self.aligned, self.adversary, self.verdict, self.human)
        clips = [] if self.clip is None else [self.clip.key]
        return stable_hash(STAGE_VERSION, [*(row["data_version"] for row in rows if row is not None), *clips])

    def precedence(self) -> tuple[int, int]:
        """Which attempt is the pair where a slot has several: the one that a person decided last, then the last."""
        return (self.human["ordinal"] if self.human else 0, self.adversary["attempt"])


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
    recipe = recipe_of(project)
    clips = {} if recipe.clips is None else recipe.clips(project, shard)
    decided = human_verdicts.decisions(good_rows(project, "human_verdicts", shard))
    accepted: dict[tuple[str, int], Sources] = {}
    for verdict in project.lake.rows(project.address("verdicts", shard)):
        video = by_key["sampled_videos"].get(verdict["video_id"])
        query = by_key["queries"].get(verdict["query_id"])
        aligned = by_key["aligned_responses"].get(verdict["query_id"])
        adversary = by_key["adversaries"].get(verdict["adversary_id"])
        if video is None or query is None or aligned is None or adversary is None:
            continue
        human = decided.get((verdict["adversary_id"], aligned["data_version"], adversary["data_version"]))
        sources = Sources(video, query, aligned, adversary, verdict, human, clips.get(video["video_id"]))
        slot = (verdict["query_id"], adversary["slot"])
        if sources.accepted:
            accepted[slot] = max(accepted.get(slot, sources), sources, key=Sources.precedence)
    return [Derivation(sources.adversary["adversary_id"], sources.provenance, sources) for sources in accepted.values()]


def _clips_version(project: Project, shard: str) -> dict[str, str]:
    """Of recipes whose questions are about videos that they made."""
    if recipe_of(project).clips is None:
        return {}
    return {"altered_videos": project.data_version("altered_videos", shard)}


def compute(project: Project, derivations: Sequence[Derivation]) -> Iterator[Row]:
    """Join the rows that a pair comes from."""
    sparse = recipe_of(project).sparse
    for derivation in derivations:
        sources: Sources = derivation.payload
        video, query, aligned, adversary = sources.video, sources.query, sources.aligned, sources.adversary
        verdict, human, plan = sources.verdict, sources.human, sources.clip and sources.clip.plan
        dense = list(plan.indices) if plan else video["dense_frames"]
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
            "dense_frames": dense,
            "dense_timestamps": list(plan.timestamps) if plan else video["dense_timestamps"],
            "sparse_frames": video["sparse_frames"] if sparse else dense,
            "generator": query["generator"],
            "responder": adversary["responder"],
            "verifier": verdict["verifier"],
            "verdict": VerdictStatus.ACCEPTED.value,
            "reason": (human["comment"] or "accepted by a person") if human else verdict["reason"],
            "decided_by": "human" if human else "verifier",
            "prompt_version": aligned["prompt_version"],
            "seed": adversary["seed"],
            "created_at": datetime.now(UTC),
        }


STAGE: Final = Stage(
    "verified_pairs",
    ("sampled_videos", "queries", "aligned_responses", "adversaries", "verdicts", "human_verdicts"),
    spec,
    derive,
    outside=_clips_version,
)


def run(project: Project, shard: str, *, retry_failed: bool = False, progress: Progress = silent) -> Outcome:
    """Bring the shard's `verified_pairs` up to date."""
    return run_stage(
        project, STAGE, shard, lambda todo: compute(project, todo), retry_failed=retry_failed, progress=progress
    )
