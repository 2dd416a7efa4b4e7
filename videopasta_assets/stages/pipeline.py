"""A shard's stages in order, without Dagster: for notebooks, scripts and tests."""

from videopasta_assets.stages import adversaries, sampled_videos, verified_pairs, videos
from videopasta_assets.stages.materialize import Outcome, Progress, silent
from videopasta_assets.stages.project import Engines, Project
from videopasta_assets.stages.recipes import recipe_of


def run_shard(
    project: Project,
    shard: str,
    engines: Engines,
    *,
    retry_failed: bool = False,
    progress: Progress = silent,
    sample: sampled_videos.Sample = sampled_videos.compute,
) -> dict[str, Outcome]:
    """From the shard's videos to its verified pairs; outcomes by table. `sample` reads the videos, wherever it does."""
    recipe = recipe_of(project)
    outcomes = {
        "videos": videos.run(project, shard, retry_failed=retry_failed, progress=progress),
        "sampled_videos": sampled_videos.run(
            project, shard, retry_failed=retry_failed, progress=progress, sample=sample
        ),
    }
    for stage in recipe.stages:
        outcomes[stage.table] = stage.run(project, shard, engines, retry_failed=retry_failed, progress=progress)
    if recipe.attempts:
        outcomes |= adversaries.run(project, shard, engines, retry_failed=retry_failed, progress=progress)
    outcomes["verified_pairs"] = verified_pairs.run(project, shard, retry_failed=retry_failed, progress=progress)
    return outcomes
