"""What the plan finds stale, as Dagster requests it: a partition, and the state that made it stale."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from typing import Final

from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake.shards import read_shard
from videopasta_assets.planning import SHARD_ASSETS, PlanStep, plan_rounds
from videopasta_assets.stages import (
    adversaries,
    aligned_checks,
    aligned_responses,
    preference_set,
    queries,
    sampled_videos,
    verdicts,
    verified_pairs,
    videos,
)
from videopasta_assets.stages.iteration import number_of
from videopasta_assets.stages.preference_set import ALL
from videopasta_assets.stages.project import Project

_STAGES: Final = (
    videos,
    sampled_videos,
    queries,
    aligned_responses,
    aligned_checks,
    adversaries,
    verdicts,
    verified_pairs,
    preference_set,
)


@dataclass(frozen=True)
class StalePartition:
    """A shard in an iteration, or the preference sets, that are not as the project wants them now.

    Attributes:
        partition: the shard's key in its iteration, or `ALL`.
        target: hash of what it should become and of how far it is: a run that fails at the same place again leaves it
            as it was; an edit, a vanished file or any progress changes it.
        reasons: what the plan says.
    """

    partition: str
    target: str
    reasons: tuple[str, ...]

    @property
    def is_shard(self) -> bool:
        """A shard, as opposed to the preference set."""
        return self.partition != ALL


def stale_partitions(project: Project, min_age_seconds: float = 0) -> Iterator[StalePartition]:
    """What the plan would do, shards first. The preference set comes only when no shard is left to do.

    Iterations are those that have a checkpoint to start from: nothing here waits for a training that nobody asked for.

    Args:
        project: the project as its file is now.
        min_age_seconds: leave shards that were sealed more recently to the sensor that sealed them.
    """
    plan = plan_rounds(project, select=(*SHARD_ASSETS, "preference_set"))
    spec = stable_hash([stage.spec(project) for stage in _STAGES])
    sets: list[PlanStep] = []
    for partition, grouped in groupby(plan.steps, key=lambda step: step.partition):
        steps = [step for step in grouped if step.to_do]
        if not steps:
            continue
        turn = Project(project.settings, iteration=number_of(project, partition))
        shard = turn.plain(partition)
        if shard == ALL:
            sets += steps if _can_join(turn, steps) else []
        elif _age_seconds(project, shard) >= min_age_seconds:
            files = videos.outside(project, shard)
            yield StalePartition(partition, stable_hash(spec, files, _state(steps)), _reasons(steps))
    if sets:
        yield StalePartition(ALL, stable_hash(spec, _state(sets)), _reasons(sets))


def _can_join(turn: Project, steps: list[PlanStep]) -> bool:
    """The preference set waits for its shards, and for the first pairs."""
    return not steps[0].waiting and bool(turn.shards_of("verified_pairs"))


def _state(steps: list[PlanStep]) -> list[list[object]]:
    """How far a partition is. Estimates are left out: they change with every run of another partition."""
    return [
        [step.asset, step.rows_missing, step.rows_stale, step.rows_orphaned, step.waiting, _reasons([step])]
        for step in steps
    ]


def _reasons(steps: list[PlanStep]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(reason) for step in steps if not step.waiting for reason in step.reasons))


def _age_seconds(project: Project, shard: str) -> float:
    if project.lake.manifest(project.address("videos", shard)) is not None:
        return float("inf")
    sealed = datetime.fromisoformat(read_shard(project.lake, shard).sealed_at)
    return (datetime.now(UTC) - sealed).total_seconds()
