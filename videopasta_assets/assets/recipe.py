"""All artifacts of one recipe, in pipeline order: a recipe is a key prefix, made by this factory."""

from collections.abc import Sequence

import dagster as dg

from videopasta_assets.assets import (
    adversaries,
    aligned_checks,
    aligned_responses,
    analyses,
    benchmark_scores,
    human_verdicts,
    lora_checkpoint,
    oracle_answers,
    oracle_difficulty,
    oracle_scores,
    oracle_targeting,
    preference_gates,
    preference_set,
    queries,
    recipe_stages,
    sampled_videos,
    verified_pairs,
    videos,
)
from videopasta_assets.stages.aligned_checks import wanted as checks_wanted
from videopasta_assets.stages.project import Project
from videopasta_assets.stages.recipes import recipe_of


def recipe_assets(project: Project) -> Sequence[dg.AssetsDefinition]:
    """Assets and asset checks of the project's recipe.

    Scores need a benchmark, the oracle needs the truth, and a check of aligned responses needs a method that can see:
    without them those assets do not exist.
    """
    recipe = recipe_of(project)
    own = [queries, aligned_responses, adversaries] if recipe.attempts else []
    modules = [videos, sampled_videos, *own, human_verdicts, verified_pairs, preference_set, lora_checkpoint]
    assets = [module.build(project) for module in modules]
    if not recipe.attempts:
        assets += recipe_stages.build(project, recipe)
    checked = [sampled_videos, adversaries, verified_pairs, preference_gates]
    if project.settings.evaluation.benchmarks:
        assets.append(benchmark_scores.build(project))
        checked.append(benchmark_scores)
    assets += analyses.build(project)
    if checks_wanted(project):
        assets.append(aligned_checks.build(project))
    if project.settings.oracle_truth is not None:
        assets += [
            module.build(project) for module in (oracle_answers, oracle_scores, oracle_targeting, oracle_difficulty)
        ]
        checked += [oracle_answers, oracle_scores, oracle_targeting]
    own_checks = recipe_stages.build_checks(project, recipe)
    return [*assets, *own_checks, *(check for module in checked for check in module.build_checks(project))]
