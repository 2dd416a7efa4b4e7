"""Sensor `staleness`: requests runs for what the plan finds stale, whatever made it so and whenever that came.

It asks for the state, not for events: an update that lands between two ticks, or while a run is in progress, is still
there to be seen at the next tick. A latch in the cursor keeps it from asking for ever where a run changes nothing.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

import dagster as dg

from resources.partitions import SHARDS
from resources.project import reopen_project
from sensors.dead_runs import end_dead_runs
from sensors.runs_in_progress import jobs_in_progress, partitions_in_progress
from sensors.stale_partitions import StalePartition, stale_partitions
from sensors.switch import sensor_status
from videopasta_assets.config.settings import AutomationSettings
from videopasta_assets.errors import VideoPastaError
from videopasta_assets.stages.preference_set import ALL
from videopasta_assets.stages.project import Project

MAX_RUNS: Final = 3
"""Runs that are requested for one state of a partition; a run that was killed is so resumed, a broken one is left."""

REQUESTS_A_TICK: Final = 100
_PATIENCE_SECONDS: Final = 60.0
"""After two looks of `new_videos` and this, a new shard that nobody requested is stale like any other."""


@dataclass(frozen=True)
class Latch:
    """What was requested: (target, number of requests) by partition; `round` counts the ticks that requested.

    The round is part of every run key: Dagster remembers run keys for ever, and an edit that is taken back and made
    again asks for the same target twice. A tick that dies before its cursor is kept is repeated in the same round,
    with the same keys.
    """

    round: int
    requested: dict[str, tuple[str, int]]

    @classmethod
    def read(cls, cursor: str | None) -> Self:
        """The latch that a cursor holds."""
        if not cursor:
            return cls(0, {})
        held = json.loads(cursor)
        return cls(held["round"], {key: (target, count) for key, (target, count) in held["requested"].items()})

    def write(self) -> str:
        """The cursor that holds this latch."""
        return json.dumps({"round": self.round, "requested": self.requested})

    def runs_of(self, stale: StalePartition) -> int:
        """Runs that were requested for the state that the partition is in."""
        target, count = self.requested.get(stale.partition, ("", 0))
        return count if target == stale.target else 0

    def after(self, stale: Sequence[StalePartition], requested: Sequence[StalePartition]) -> "Latch":
        """The latch once `requested` are; partitions that are no longer stale are forgotten."""
        still = {one.partition for one in stale}
        kept = {key: value for key, value in self.requested.items() if key in still}
        new = {one.partition: (one.target, self.runs_of(one) + 1) for one in requested}
        return Latch(self.round + bool(requested), {**kept, **new})


def staleness_sensor(shard_job: Any, set_job: Any, automation: AutomationSettings) -> dg.SensorDefinition:
    """The sensor that requests runs of `shard_job` for shards and of `set_job` for the preference set."""

    @dg.sensor(
        name="staleness",
        jobs=[shard_job, set_job],
        minimum_interval_seconds=automation.staleness_seconds,
        default_status=sensor_status("staleness", automation),
        description="Brings up to date what the plan finds stale: changed data, a changed specification, what is "
        "missing. It never trains.",
    )
    def staleness(
        context: dg.SensorEvaluationContext, project: dg.ResourceParam[Project]
    ) -> dg.SensorResult | dg.SkipReason:
        for run_id in end_dead_runs(context.instance):
            context.log.warning(f"run {run_id} had lost its process and was marked as failed")
        # Before the plan: a run that ends in between is seen as in progress, and its partition at the next tick.
        busy = partitions_in_progress(context.instance)
        if set_job.name in jobs_in_progress(context.instance):
            busy.add(ALL)
        try:
            current = reopen_project(project)
            looks = 2 * current.settings.automation.look_seconds
            stale = list(stale_partitions(current, looks + _PATIENCE_SECONDS))
        except VideoPastaError as error:
            return dg.SkipReason(str(error))
        latch = Latch.read(context.cursor)
        idle = [one for one in stale if one.partition not in busy]
        wanted = [one for one in idle if latch.runs_of(one) < MAX_RUNS][:REQUESTS_A_TICK]
        shards = [one.partition for one in wanted if one.is_shard]
        for one in wanted:
            context.log.info(f"{one.partition}: {'; '.join(one.reasons)}")
        return dg.SensorResult(
            run_requests=[
                dg.RunRequest(
                    job_name=shard_job.name if one.is_shard else set_job.name,
                    partition_key=one.partition if one.is_shard else None,
                    run_key=f"{one.partition}-{one.target}-{latch.round}",
                )
                for one in wanted
            ],
            dynamic_partitions_requests=[SHARDS.build_add_request(shards)] if shards else [],
            skip_reason=None if wanted else dg.SkipReason(_why_nothing(stale, idle)),
            cursor=latch.after(stale, wanted).write(),
        )

    return staleness


def _why_nothing(stale: Sequence[StalePartition], idle: Sequence[StalePartition]) -> str:
    notes = []
    if len(stale) > len(idle):
        notes.append(f"{len(stale) - len(idle)} stale, with a run in progress")
    if idle:
        names = ", ".join(one.partition for one in idle[:5])
        notes.append(f"{len(idle)} stay stale after {MAX_RUNS} runs ({names}): look at their last run")
    return "; ".join(notes) or "everything is fresh"
