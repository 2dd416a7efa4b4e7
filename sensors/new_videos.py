"""Sensor `new_videos`: seals videos that landed into new shards and requests a run for each."""

import json
import time
from collections.abc import Sequence
from typing import Final

import dagster as dg

from resources.partitions import SHARDS
from resources.project import reopen_project
from sensors.dead_runs import end_dead_runs
from sensors.switch import sensor_status
from videopasta_assets.config.settings import AutomationSettings
from videopasta_assets.errors import VideoPastaError
from videopasta_assets.hashing import combined_hash
from videopasta_assets.lake.shards import list_shards, read_shard
from videopasta_assets.stages.landing import Landing, land
from videopasta_assets.stages.project import Project

TICK_SECONDS: Final = 35.0
"""Dagster gives a tick a minute. What is not read or fetched by then is left for the next tick, which goes on."""

REQUESTS_A_TICK: Final = 100
"""The first look at a large archive seals thousands of shards; later ticks request the rest."""


def new_videos_sensor(job_name: str, automation: AutomationSettings) -> dg.SensorDefinition:
    """The sensor that requests runs of `job_name`."""

    @dg.sensor(
        name="new_videos",
        job_name=job_name,
        minimum_interval_seconds=automation.look_seconds,
        default_status=sensor_status("new_videos", automation),
        description="Packs new videos into shards and brings each new shard up to date, up to its verified pairs.",
    )
    def new_videos(
        context: dg.SensorEvaluationContext, project: dg.ResourceParam[Project]
    ) -> dg.SensorResult | dg.SkipReason:
        for run_id in end_dead_runs(context.instance):
            context.log.warning(f"run {run_id} had lost its process and was marked as failed")
        try:
            current = reopen_project(project)
            settle_seconds = current.settings.automation.settle_seconds
            landing, _ = land(current, settle_seconds, time.monotonic() + TICK_SECONDS)
        except VideoPastaError as error:
            return dg.SkipReason(str(error))
        for sentence in landing.unreadable[:20]:
            context.log.warning(f"not taken: {sentence}")
        shards = list_shards(current.lake)
        unknown = _not_in(context.instance.get_dynamic_partitions(str(SHARDS.name)), shards)
        batch = unrequested(current, shards, context.cursor)[:REQUESTS_A_TICK]
        # A shard that already has pairs was made by hand; from here on it is the sensor `staleness` that watches it.
        wanted = [shard for shard in batch if current.lake.manifest(current.address("verified_pairs", shard)) is None]
        return dg.SensorResult(
            run_requests=[dg.RunRequest(partition_key=shard, run_key=run_key(current, shard)) for shard in wanted],
            dynamic_partitions_requests=[SHARDS.build_add_request(unknown)] if unknown else [],
            skip_reason=None if wanted else dg.SkipReason(_nothing_new(landing)),
            cursor=_cursor(current, batch[-1]) if batch else context.cursor,
        )

    return new_videos


def unrequested(project: Project, shards: Sequence[str], cursor: str | None) -> Sequence[str]:
    """Those of `shards` that no tick has requested yet.

    The cursor names the last one that was, and is kept together with its requests: a tick that dies between sealing
    and requesting leaves it where it was. That Dagster knows a shard's partition says nothing: it adds partitions
    before it keeps requests.
    """
    if cursor is None:
        return shards
    last = json.loads(cursor)
    if last["shard"] not in shards or run_key(project, last["shard"]) != last["run_key"]:
        return shards  # the lake was started anew
    return [shard for shard in shards if shard > last["shard"]]


def run_key(project: Project, shard: str) -> str:
    """Names the shard by its content: Dagster remembers run keys for ever, and a lake may be started anew."""
    sealed = read_shard(project.lake, shard)
    return f"{shard}-{combined_hash([sealed.sealed_at, *(video.video_id for video in sealed.videos)])}"


def _cursor(project: Project, shard: str) -> str:
    return json.dumps({"shard": shard, "run_key": run_key(project, shard)})


def _not_in(known: Sequence[str], shards: Sequence[str]) -> list[str]:
    held = set(known)
    return [shard for shard in shards if shard not in held]


def _nothing_new(landing: Landing) -> str:
    notes = [
        f"{count} {what}"
        for count, what in (
            (len(landing.unsettled), "still being written"),
            (landing.postponed, "left for the next look"),
            (len(landing.unreadable), "that cannot be taken"),
        )
        if count
    ]
    return ", ".join([f"no new video among {landing.files} files", *notes])
