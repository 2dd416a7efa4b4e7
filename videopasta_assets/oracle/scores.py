"""Stage `oracle_scores`: every verdict's texts against the scene. Nothing in the pipeline reads this table."""

from collections.abc import Iterator, Sequence
from typing import Final

from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.oracle.adversary import judge_pair
from videopasta_assets.oracle.truth import UNKNOWN_VIDEO, Truth, known_scenes
from videopasta_assets.oracle.verifier import expected_status
from videopasta_assets.stages.materialize import Outcome, Progress, Stage, run_stage, silent
from videopasta_assets.stages.project import Project, good_rows
from videopasta_assets.taxonomy import FailureMode

STAGE_VERSION = "2"


def spec(project: Project) -> dict[str, str]:  # noqa: ARG001 - every stage has the same signature
    """Parts of the specification, by name."""
    return {"stage": STAGE_VERSION}


def derive(project: Project, shard: str) -> list[Derivation]:
    """One row a verdict."""
    aligned = {row["query_id"]: row for row in good_rows(project, "aligned_responses", shard)}
    adversaries = {row["adversary_id"]: row for row in good_rows(project, "adversaries", shard)}
    derivations = []
    for verdict in good_rows(project, "verdicts", shard):
        parts = (aligned.get(verdict["query_id"]), adversaries.get(verdict["adversary_id"]), verdict)
        if parts[0] is not None and parts[1] is not None:
            provenance = stable_hash(STAGE_VERSION, [part["data_version"] for part in parts if part])
            derivations.append(Derivation(verdict["row_key"], provenance, parts))
    return derivations


def compute(project: Project, derivations: Sequence[Derivation]) -> Iterator[Row]:
    """Judge each attempt; a video without truth is a row that says so."""
    scenes = known_scenes(project)
    for derivation in derivations:
        aligned, adversary, verdict = derivation.payload
        known: Row = {
            "row_key": derivation.row_key,
            **{
                name: verdict[name]
                for name in ("adversary_id", "query_id", "video_id", "adv_mode", "adv_strategy", "verdict")
            },
            "query_mode": aligned["query_mode"],
        }
        scene = scenes[verdict["video_id"]]
        if scene is None:
            yield {**known, "error": UNKNOWN_VIDEO}
            continue
        mode = FailureMode(verdict["adv_mode"])
        texts = (aligned["query"], aligned["response"], adversary["response"])
        pair = judge_pair(scene, *texts, mode)
        yield {
            **known,
            "aligned_truth": pair.aligned.truth.value,
            "aligned_right": pair.aligned.main is Truth.TRUE and pair.aligned.answers,
            "adversary_truth": pair.adversary.judgement.truth.value,
            "on_target": pair.adversary.on_target,
            "only_target": pair.adversary.only_target,
            "good_pair": pair.good,
            "expected_verdict": expected_status(scene, *texts, mode).value,
        }


STAGE: Final = Stage("oracle_scores", ("aligned_responses", "adversaries", "verdicts"), spec, derive)


def run(project: Project, shard: str, *, retry_failed: bool = False, progress: Progress = silent) -> Outcome:
    """Bring the shard's `oracle_scores` up to date."""
    return run_stage(
        project, STAGE, shard, lambda todo: compute(project, todo), retry_failed=retry_failed, progress=progress
    )
