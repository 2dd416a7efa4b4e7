"""A shard's stages in order, without Dagster: for notebooks, scripts and tests."""

from videopasta_assets.stages import (
    adversaries,
    aligned_checks,
    aligned_responses,
    queries,
    sampled_videos,
    verified_pairs,
    videos,
)
from videopasta_assets.stages.materialize import Outcome, Progress, silent
from videopasta_assets.stages.project import Engines, Project


def run_shard(
    project: Project, shard: str, engines: Engines, *, retry_failed: bool = False, progress: Progress = silent
) -> dict[str, Outcome]:
    """From the shard's videos to its verified pairs; outcomes by table."""
    outcomes = {
        "videos": videos.run(project, shard, retry_failed=retry_failed, progress=progress),
        "sampled_videos": sampled_videos.run(project, shard, retry_failed=retry_failed, progress=progress),
        "queries": queries.run(project, shard, engines, retry_failed=retry_failed, progress=progress),
        "aligned_responses": aligned_responses.run(
            project, shard, engines, retry_failed=retry_failed, progress=progress
        ),
    }
    if aligned_checks.wanted(project):
        outcomes["aligned_checks"] = aligned_checks.run(
            project, shard, engines, retry_failed=retry_failed, progress=progress
        )
    outcomes |= adversaries.run(project, shard, engines, retry_failed=retry_failed, progress=progress)
    outcomes["verified_pairs"] = verified_pairs.run(project, shard, retry_failed=retry_failed, progress=progress)
    return outcomes
