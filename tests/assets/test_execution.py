"""Assets run on a real instance: versions, metadata, checks, failures."""

import dagster as dg
import pytest

from tests.fakes.bench_project import BenchProject
from videopasta_assets.assets.execution import (
    execute_benchmark,
    execute_preference_set,
    execute_shard,
    execute_sql_models,
    execute_training,
)


def materialization(instance: dg.DagsterInstance, table: str, partition: str | None = None) -> dg.AssetMaterialization:
    key = dg.AssetKey(["videos"] if table == "videos" else ["videopasta", table])
    records = instance.fetch_materializations(
        dg.AssetRecordsFilter(key, asset_partitions=[partition] if partition else None), limit=1
    ).records
    assert records and records[0].asset_materialization is not None, table
    return records[0].asset_materialization


def check_passed(instance: dg.DagsterInstance, table: str, name: str) -> bool:
    key = dg.AssetCheckKey(dg.AssetKey(["videopasta", table]), name)
    record = instance.event_log_storage.get_latest_asset_check_execution_by_key([key])[key]
    return record.event.dagster_event.asset_check_evaluation_data.passed


def test_a_shard_goes_from_videos_to_pairs_with_explicit_versions(
    bench: BenchProject, instance: dg.DagsterInstance, shards: list[str]
) -> None:
    result = execute_shard(bench.project, instance, shards[0], engines=bench.engines)
    assert result.success, result.error
    for table in (
        "videos",
        "sampled_videos",
        "queries",
        "aligned_responses",
        "adversaries",
        "verdicts",
        "verified_pairs",
    ):
        event = materialization(instance, table, shards[0])
        manifest = bench.project.lake.manifest(bench.project.address(table, shards[0]))
        assert manifest is not None
        assert event.tags is not None
        assert event.tags["dagster/data_version"] == manifest.data_version
        assert event.metadata["dagster/row_count"].value == manifest.rows
        assert event.metadata["computed"].value == manifest.rows
    for table in ("queries", "aligned_responses", "adversaries", "verdicts"):
        share = materialization(instance, table, shards[0]).metadata["cached share of prompt tokens"].value
        assert share == pytest.approx(0.4)
    assert check_passed(instance, "sampled_videos", "frame_plans_differ")
    assert check_passed(instance, "verdicts", "attempts_add_up")
    assert check_passed(instance, "verified_pairs", "pair_integrity")
    assert "data:image/png;base64," in str(materialization(instance, "sampled_videos").metadata["dense frames"].value)
    assert "slot retention" in str(materialization(instance, "verified_pairs").metadata["retention by mode"].value)


def test_a_second_run_asks_nothing_and_keeps_the_version(
    bench: BenchProject, instance: dg.DagsterInstance, shards: list[str]
) -> None:
    execute_shard(bench.project, instance, shards[0], engines=bench.engines)
    before = materialization(instance, "verified_pairs").tags
    bench.engine.forget()
    assert execute_shard(bench.project, instance, shards[0], engines=bench.engines).success
    after = materialization(instance, "verified_pairs")
    assert not bench.engine.requests
    assert after.metadata["computed"].value == 0
    assert after.tags is not None
    assert before is not None
    assert after.tags["dagster/data_version"] == before["dagster/data_version"]


def test_only_the_named_assets_run(bench: BenchProject, instance: dg.DagsterInstance, shards: list[str]) -> None:
    assert execute_shard(bench.project, instance, shards[0], ["videos", "sampled_videos"]).success
    assert not bench.engine.requests
    assert bench.project.lake.manifest(bench.project.address("queries", shards[0])) is None


def test_failed_rows_are_kept_until_they_are_retried(
    bench: BenchProject, instance: dg.DagsterInstance, shards: list[str]
) -> None:
    bench.engine.fault = lambda request: "out of luck" if request.prompt.template.startswith("aligned") else None
    assert execute_shard(bench.project, instance, shards[0], engines=bench.engines).success
    assert "out of luck" in str(materialization(instance, "aligned_responses").metadata["errors"].value)
    bench.engine.fault = lambda request: None
    bench.engine.forget()
    assert execute_shard(bench.project, instance, shards[0], engines=bench.engines).success
    assert not bench.engine.calls["aligned"]
    assert execute_shard(bench.project, instance, shards[0], retry_failed=True, engines=bench.engines).success
    assert bench.engine.calls["aligned"] == 6
    assert materialization(instance, "aligned_responses").metadata["failed"].value == 0


def test_equal_frame_plans_block_generation(
    bench: BenchProject, instance: dg.DagsterInstance, shards: list[str]
) -> None:
    bench.edit("sparse: {value: 2}", "sparse: {value: 8}")
    result = execute_shard(bench.project, instance, shards[0], engines=bench.engines)
    assert not result.success
    assert result.error is not None
    assert "frames.allow_equal_plans" in result.error
    assert not bench.engine.requests
    bench.edit("sparse: {value: 8}", "sparse: {value: 8}, allow_equal_plans: true")
    assert execute_shard(bench.project, instance, shards[0], engines=bench.engines).success


def test_an_error_reaches_the_caller_as_its_sentence(bench: BenchProject, instance: dg.DagsterInstance) -> None:
    result = execute_training(bench.project, instance, "first")
    assert not result.success
    assert result.mistake
    assert result.error is not None
    assert result.error.startswith("experiment first: there is no verified pair to train on.")
    result = execute_benchmark(bench.project, instance, "first", "held-out", engines=bench.engines)
    assert not result.success
    assert result.error is not None
    assert "no checkpoint to score" in result.error


def test_the_preference_set_joins_all_shards_and_sql_models_see_it(
    bench: BenchProject, instance: dg.DagsterInstance, shards: list[str]
) -> None:
    for shard in shards:
        execute_shard(bench.project, instance, shard, engines=bench.engines)
    assert execute_preference_set(bench.project, instance).success
    pairs = sum(
        materialization(instance, "verified_pairs", shard).metadata["dagster/row_count"].value for shard in shards
    )
    assert materialization(instance, "preference_set").metadata["dagster/row_count"].value == pairs
    for check in ("is_not_empty", "videos_are_present", "members_are_sound"):
        assert check_passed(instance, "preference_set", check)
    assert execute_sql_models(bench.project, instance).success
    assert (bench.project.lake.root / "models" / "retention_by_mode.parquet").exists()


def test_a_vanished_video_blocks_training_until_its_pairs_are_retracted(
    bench: BenchProject, instance: dg.DagsterInstance, shards: list[str]
) -> None:
    for shard in shards:
        execute_shard(bench.project, instance, shard, engines=bench.engines)
    execute_preference_set(bench.project, instance)
    (bench.root / "videos" / "video 0.mp4").unlink()
    for shard in shards:
        execute_shard(bench.project, instance, shard, ["videos"], engines=bench.engines)
    result = execute_training(bench.project, instance, "first")
    assert result.error is not None
    assert result.error.startswith("training is blocked: pair ")
    assert not result.mistake


@pytest.mark.parametrize("shard", ["s000000"])
def test_a_broken_video_is_a_row_and_a_warning(bench: BenchProject, instance: dg.DagsterInstance, shard: str) -> None:
    (bench.root / "videos" / "aaa broken.mp4").write_bytes(b"no video at all")
    from videopasta_assets.stages.landing import land

    _, sealed = land(bench.project)
    result = execute_shard(bench.project, instance, sealed[0].key, engines=bench.engines)
    assert result.success, result.error
    assert not check_passed(instance, "sampled_videos", "videos_are_readable")
    assert materialization(instance, "sampled_videos").metadata["failed"].value == 1
