"""Schedule `nightly`: requests a run for each shard that the plan finds stale."""

from collections.abc import Iterator

import dagster as dg

from resources.partitions import SHARDS
from videopasta_assets.errors import VideoPastaError
from videopasta_assets.planning import make_plan
from videopasta_assets.planning.plan import SHARD_ASSETS
from videopasta_assets.stages.project import Project


def nightly_schedule(job_name: str) -> dg.ScheduleDefinition:
    """The schedule that requests runs of `job_name` at three in the morning."""

    @dg.schedule(
        name="nightly",
        cron_schedule="0 3 * * *",
        job_name=job_name,
        description="Brings shards up to date whose prompts, models, sampling or videos changed. Fresh ones are left.",
    )
    def nightly(
        context: dg.ScheduleEvaluationContext, project: dg.ResourceParam[Project]
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        try:
            plan = make_plan(project, select=SHARD_ASSETS)
        except VideoPastaError as error:
            yield dg.SkipReason(str(error))
            return
        stale = sorted({step.partition for step in plan.steps if step.to_do})
        if not stale:
            yield dg.SkipReason("every shard is fresh")
            return
        context.instance.add_dynamic_partitions(str(SHARDS.name), stale)
        for shard in stale:
            # A key of this night's own: what was requested last night and failed is requested again.
            yield dg.RunRequest(partition_key=shard, run_key=f"{shard}-{context.scheduled_execution_time.isoformat()}")

    return nightly
