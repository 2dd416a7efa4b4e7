"""Stage `oracle_answers`: every aligned response against the scene. Nothing in the pipeline reads this table."""

from collections.abc import Iterator, Sequence
from typing import Final

from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.oracle.truth import UNKNOWN_VIDEO, Truth, judge_answer, known_scenes, match_question
from videopasta_assets.stages import aligned_checks
from videopasta_assets.stages.materialize import Outcome, Progress, Stage, run_stage, silent
from videopasta_assets.stages.project import Project, good_rows

STAGE_VERSION = "1"

_KNOWN: Final = ("response_id", "query_id", "video_id", "query_mode", "query_category")


def spec(project: Project) -> dict[str, str]:
    """Parts of the specification, by name."""
    return {"stage": STAGE_VERSION, "check": project.settings.recipe.aligned_check.method}


def derive(project: Project, shard: str) -> list[Derivation]:
    """One row an aligned response."""
    passed = aligned_checks.passed_responses(project, shard)
    derivations = []
    for aligned in good_rows(project, "aligned_responses", shard):
        checked = None if passed is None else aligned["response_id"] in passed
        provenance = stable_hash(spec(project), aligned["data_version"], checked)
        derivations.append(Derivation(aligned["response_id"], provenance, (aligned, checked)))
    return derivations


def compute(project: Project, derivations: Sequence[Derivation]) -> Iterator[Row]:
    """Judge each response; a video without truth is a row that says so."""
    scenes = known_scenes(project)
    for derivation in derivations:
        aligned, checked = derivation.payload
        known = {"row_key": derivation.row_key, **{name: aligned[name] for name in _KNOWN}, "checked": checked}
        scene = scenes[aligned["video_id"]]
        if scene is None:
            yield {**known, "error": UNKNOWN_VIDEO}
            continue
        judged = judge_answer(scene, aligned["query"], aligned["response"])
        question = match_question(scene, aligned["query"], aligned["query_mode"], aligned["query_category"])
        yield {
            **known,
            "query_fits": question is not None,
            "truth": judged.truth.value,
            "right": judged.main is Truth.TRUE and judged.answers,
            "broken_modes": sorted(judged.broken),
            "unparsed": judged.unparsed,
        }


STAGE: Final = Stage("oracle_answers", ("aligned_responses", "aligned_checks"), spec, derive)


def run(project: Project, shard: str, *, retry_failed: bool = False, progress: Progress = silent) -> Outcome:
    """Bring the shard's `oracle_answers` up to date."""
    return run_stage(
        project, STAGE, shard, lambda todo: compute(project, todo), retry_failed=retry_failed, progress=progress
    )
