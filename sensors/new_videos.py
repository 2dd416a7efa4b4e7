"""Sensor `new_videos`: seals videos that landed into new shards and requests a run for each."""

from typing import Final

import dagster as dg

from resources.partitions import SHARDS
from videopasta_assets.errors import VideoPastaError
from videopasta_assets.hashing import combined_hash
from videopasta_assets.lake.shards import list_shards, read_shard
from videopasta_assets.stages.landing import land
from videopasta_assets.stages.project import Project

QUIET_SECONDS: Final = 10.0
"""A file that changed more recently may still be being written: it is left for a later tick."""


def new_videos_sensor(job_name: str, quiet_seconds: float = QUIET_SECONDS) -> dg.SensorDefinition:
    """The sensor that requests runs of `job_name`."""

    @dg.sensor(
        name="new_videos",
        job_name=job_name,
        minimum_interval_seconds=30,
        description="Packs new videos into shards and brings each new shard up to date, up to its verified pairs.",
    )
    def new_videos(
        context: dg.SensorEvaluationContext, project: dg.ResourceParam[Project]
    ) -> dg.SensorResult | dg.SkipReason:
        try:
            landing, _ = land(project, quiet_seconds)
        except VideoPastaError as error:
            return dg.SkipReason(str(error))
        # Asked of Dagster, not of this tick: a shard that was sealed before a crash, or by hand, is requested too.
        known = set(context.instance.get_dynamic_partitions(str(SHARDS.name)))
        new = [shard for shard in list_shards(project.lake) if shard not in known]
        if not new:
            waiting = f", {len(landing.unsettled)} still being written" if landing.unsettled else ""
            return dg.SkipReason(f"no new video among {landing.files} files{waiting}")
        return dg.SensorResult(
            run_requests=[dg.RunRequest(partition_key=shard, run_key=run_key(project, shard)) for shard in new],
            dynamic_partitions_requests=[SHARDS.build_add_request(new)],
        )

    return new_videos


def run_key(project: Project, shard: str) -> str:
    """Names the shard by its content: Dagster remembers run keys for ever, and a lake may be started anew."""
    sealed = read_shard(project.lake, shard)
    return f"{shard}-{combined_hash([sealed.sealed_at, *(video.video_id for video in sealed.videos)])}"
