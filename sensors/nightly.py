"""Schedule `nightly`: requests a run for each shard that the plan finds stale."""

from collections.abc import Iterator

import dagster as dg

from resources.partitions import SHARDS
from resources.project import reopen_project
from sensors.runs_in_progress import partitions_in_progress
from sensors.stale_partitions import stale_partitions
from sensors.switch import schedule_status
from videopasta_assets.config.settings import AutomationSettings
from videopasta_assets.errors import VideoPastaError
from videopasta_assets.stages.project import Project


def nightly_schedule(job_name: str, automation: AutomationSettings) -> dg.ScheduleDefinition:
    """The schedule that requests runs of `job_name`, at three in the morning unless the project says otherwise."""

    @dg.schedule(
        name="nightly",
        cron_schedule=automation.nightly,
        execution_timezone=automation.timezone,
        job_name=job_name,
        default_status=schedule_status("nightly", automation),
        description="Brings shards up to date whose prompts, models, sampling or videos changed. Fresh ones are left.",
    )
    def nightly(
        context: dg.ScheduleEvaluationContext, project: dg.ResourceParam[Project]
    ) -> Iterator[dg.RunRequest | dg.SkipReason]:
        busy = partitions_in_progress(context.instance)
        try:
            stale = [one.partition for one in stale_partitions(reopen_project(project)) if one.is_shard]
        except VideoPastaError as error:
            yield dg.SkipReason(str(error))
            return
        wanted = [shard for shard in stale if shard not in busy]
        if not wanted:
            yield dg.SkipReason("what is stale has a run in progress" if stale else "every shard is fresh")
            return
        context.instance.add_dynamic_partitions(str(SHARDS.name), wanted)
        for shard in wanted:
            # A key of this night's own: what was requested last night and failed is requested again.
            yield dg.RunRequest(partition_key=shard, run_key=f"{shard}-{context.scheduled_execution_time.isoformat()}")

    return nightly
