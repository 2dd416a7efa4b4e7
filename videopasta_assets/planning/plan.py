"""Walk the graph over the lake's own manifests and say what a run would do.

Dagster's own staleness is one hop and blind over wide fan-ins; this walk is transitive, and exact to the row where
the rows of the inputs are known. Where an input of a step has work itself, the step is `waiting`: its cost is an
estimate, and the run plans it again when its turn comes.
"""

from collections.abc import Collection, Sequence
from typing import Final

from videopasta_assets.lake.shards import list_shards
from videopasta_assets.oracle.stages import ORACLE_TABLES
from videopasta_assets.planning.fan_in import plan_fan_in
from videopasta_assets.planning.shard_plan import Survey, plan_new_videos, plan_shard
from videopasta_assets.planning.step import Plan, PlanStep
from videopasta_assets.stages.iteration import (
    current_iteration,
    handed_on,
    known_iteration,
    number_of,
)
from videopasta_assets.stages.project import Project

SHARD_ASSETS: Final = (
    "videos",
    "sampled_videos",
    "scenes",
    "altered_videos",
    "queries",
    "candidates",
    "aligned_responses",
    "aligned_checks",
    "adversaries",
    "critiques",
    "verdicts",
    "timewar_items",
    "verified_pairs",
    *ORACLE_TABLES,
)
"""Assets partitioned by shard; a recipe has its own among them. VideoPASTA's `verdicts` come with `adversaries`."""

ASSETS: Final = (*SHARD_ASSETS, "preference_set", "lora_checkpoint", "benchmark_scores")
"""Assets of a plan, in pipeline order."""


def make_plan(
    project: Project,
    *,
    retry_failed: bool = False,
    shards: Collection[str] | None = None,
    select: Collection[str] | None = None,
    limit: int | None = None,
    new_videos: int = 0,
    start_pending: bool = False,
) -> Plan:
    """Plan the whole project in its iteration, or only the named shards and assets.

    Args:
        project: the project.
        retry_failed: count error rows as work.
        shards: only these shards; None for all. Steps that fan in are planned in any case.
        select: only these assets; None for all.
        limit: at most so many shards that have work, oldest first; None for all.
        new_videos: videos that have not landed yet: they are planned as shards to come, in the partition `new`.
        start_pending: the model that the iteration starts from is not there yet, so that everything of it waits.
    """
    with project.lake.snapshot():
        survey = Survey.of(project, retry_failed=retry_failed)
        steps: list[PlanStep] = []
        pairs_pending = False
        taken = left_out = 0
        for shard in list_shards(project.lake):
            if shards is not None and shard not in shards:
                continue
            own = plan_shard(survey, shard, start_pending=start_pending)
            if any(step.to_do and (select is None or step.asset in select) for step in own):
                if limit is not None and taken == limit:
                    left_out += 1
                    continue
                taken += 1
            pairs_pending |= any(step.to_do for step in own if step.asset not in ORACLE_TABLES)
            steps += own
        if new_videos and shards is None:
            steps += plan_new_videos(survey, new_videos)
            pairs_pending = True
        pairs_pending |= start_pending
        fan_in: Sequence[PlanStep] = ()
        if not _names_only_shard_assets(select):
            fan_in = plan_fan_in(project, survey.costs, pairs_pending=pairs_pending, retry_failed=retry_failed)
        return Plan((*steps, *fan_in), left_out).only(None if select is None else tuple(select))


def plan_rounds(
    project: Project,
    *,
    retry_failed: bool = False,
    shards: Collection[str] | None = None,
    select: Collection[str] | None = None,
    limit: int | None = None,
    new_videos: int = 0,
) -> Plan:
    """The plans of all iterations of the project's recipe, one after the other; of a recipe with one, `make_plan`.

    An iteration is planned once the one before has a checkpoint, or the plan makes one. Where its model is not there
    yet, or changes, all that the model writes waits. `limit` counts in each iteration, as a run does.
    """
    steps: list[PlanStep] = []
    left_out, pending = 0, False
    last = project.settings.recipe.iterations
    reached = current_iteration(project)
    for number in range(1, last + 1):
        turn = None if pending else known_iteration(project, number)
        plan = make_plan(
            turn or Project(project.settings, iteration=number),
            retry_failed=retry_failed,
            shards=shards,
            select=select,
            limit=limit,
            new_videos=new_videos,
            start_pending=turn is None,
        )
        steps += plan.steps
        left_out += plan.left_out
        trained = [step for step in plan.steps if step.asset == "lora_checkpoint" and _hands_on(project, step)]
        pending = any(step.to_do for step in trained)
        if number == last or not (pending or number < reached):
            break
        pending |= turn is None
    return Plan(tuple(steps), left_out)


def _hands_on(project: Project, step: PlanStep) -> bool:
    """The step trains the model that the next iteration starts from."""
    return Project(project.settings, iteration=number_of(project, step.partition)).plain(step.partition) == handed_on(
        project
    )


def _names_only_shard_assets(select: Collection[str] | None) -> bool:
    return select is not None and all(asset in SHARD_ASSETS for asset in select)
