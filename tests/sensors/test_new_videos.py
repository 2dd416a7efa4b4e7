"""The sensor, called as the daemon calls it."""

import os
import shutil
import time
from pathlib import Path

import dagster as dg

from sensors.new_videos import QUIET_SECONDS, new_videos_sensor
from tests.fakes.bench_project import BenchProject
from videopasta_assets.assets.execution import execute_shard
from videopasta_assets.assets.jobs import PAIRS
from videopasta_assets.lake.shards import list_shards


def tick(
    bench: BenchProject, instance: dg.DagsterInstance, quiet_seconds: float = 0
) -> dg.SensorResult | dg.SkipReason:
    """One evaluation; what it asks for is done, as the daemon would."""
    context = dg.build_sensor_context(instance=instance, resources={"project": bench.project})
    result = new_videos_sensor(PAIRS, quiet_seconds)(context)
    if isinstance(result, dg.SensorResult):
        for request in result.dynamic_partitions_requests or []:
            instance.add_dynamic_partitions(request.partitions_def_name, list(request.partition_keys))
    assert isinstance(result, dg.SensorResult | dg.SkipReason)
    return result


def requested(result: dg.SensorResult | dg.SkipReason) -> list[str]:
    return (
        [str(request.partition_key) for request in result.run_requests or []]
        if isinstance(result, dg.SensorResult)
        else []
    )


def test_new_videos_become_shards_and_runs(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    bench = BenchProject.make(tmp_path, videos=3)
    assert requested(tick(bench, instance)) == ["s000000", "s000001"]
    assert instance.get_dynamic_partitions("shards") == ["s000000", "s000001"]
    nothing = tick(bench, instance)
    assert isinstance(nothing, dg.SkipReason)
    assert nothing.skip_message == "no new video among 3 files"
    bench.add_video(7)
    assert requested(tick(bench, instance)) == ["s000002"]


def test_the_requested_run_makes_pairs(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    bench = BenchProject.make(tmp_path, videos=1)
    for shard in requested(tick(bench, instance)):
        assert execute_shard(bench.project, instance, shard, engines=bench.engines).success
    assert bench.project.lake.shards_of("verified_pairs", "videopasta") == ["s000000"]


def test_a_copy_is_linked_and_not_run(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    bench = BenchProject.make(tmp_path, videos=1)
    tick(bench, instance)
    shutil.copy(bench.root / "videos" / "video 0.mp4", bench.root / "videos" / "copy.mp4")
    assert isinstance(tick(bench, instance), dg.SkipReason)
    assert list_shards(bench.project.lake) == ["s000000"]


def test_a_file_that_is_being_written_is_left_alone(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    bench = BenchProject.make(tmp_path, videos=0)
    path = bench.add_video(0)
    waiting = tick(bench, instance, QUIET_SECONDS)
    assert isinstance(waiting, dg.SkipReason)
    assert waiting.skip_message == "no new video among 1 files, 1 still being written"
    old = time.time() - 60
    os.utime(path, (old, old))  # as `cp --preserve` does: only the inode's own time tells that it has just come
    assert isinstance(tick(bench, instance, QUIET_SECONDS), dg.SkipReason)
    time.sleep(0.3)
    assert requested(tick(bench, instance, 0.2)) == ["s000000"]


def test_a_shard_that_was_sealed_before_a_crash_is_requested(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    bench = BenchProject.make(tmp_path, videos=1)
    context = dg.build_sensor_context(instance=instance, resources={"project": bench.project})
    first = new_videos_sensor(PAIRS, 0)(context)  # the daemon died before it recorded the result
    again = tick(bench, instance)
    assert isinstance(first, dg.SensorResult)
    assert isinstance(again, dg.SensorResult)
    assert [request.run_key for request in first.run_requests or []] == [
        request.run_key for request in again.run_requests or []
    ]


def test_a_missing_folder_is_a_reason_to_skip(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    bench = BenchProject.make(tmp_path, videos=0)
    skipped = tick(bench, instance)
    assert isinstance(skipped, dg.SkipReason)
    assert "the video folder does not exist" in str(skipped.skip_message)
