"""The sensor, ticked as the daemon ticks it."""

import shutil
import time
from pathlib import Path

import dagster as dg
import pytest

from sensors import new_videos
from tests.sensors.conftest import BenchProject, Ticker
from videopasta_assets.lake.shards import list_shards

NAME = "new_videos"


def test_new_videos_become_shards_and_runs(ticker: Ticker) -> None:
    assert ticker.requested(NAME) == ["s000000", "s000001"]
    assert ticker.instance.get_dynamic_partitions("shards") == ["s000000", "s000001"]
    assert ticker.requested(NAME) == []
    assert ticker.said == "no new video among 3 files"
    ticker.bench.add_video(7)
    assert ticker.requested(NAME) == ["s000002"]


def test_the_requested_run_makes_pairs(ticker: Ticker) -> None:
    ticker.run(ticker.tick(NAME))
    assert ticker.bench.project.lake.shards_of("verified_pairs", "videopasta") == ["s000000", "s000001"]


def test_a_copy_is_linked_and_not_run(ticker: Ticker) -> None:
    ticker.tick(NAME)
    videos = ticker.bench.root / "videos"
    shutil.copy(videos / "video 0.mp4", videos / "copy.mp4")
    assert ticker.requested(NAME) == []
    assert list_shards(ticker.bench.project.lake) == ["s000000", "s000001"]


def test_a_file_that_is_being_written_is_left_alone(ticker: Ticker) -> None:
    ticker.bench.edit("settle_seconds: 0", "settle_seconds: 0.05")
    path = ticker.bench.root / "videos" / "video 0.mp4"
    content = path.read_bytes()
    path.write_bytes(content[:100])
    assert ticker.requested(NAME) == []
    assert ticker.said == "no new video among 3 files, 3 still being written"
    time.sleep(0.06)
    path.write_bytes(content)
    assert ticker.requested(NAME) == ["s000000"]  # the two that were complete
    time.sleep(0.06)
    assert ticker.requested(NAME) == ["s000001"]


@pytest.mark.parametrize("kept", ["nothing", "partitions"])
def test_a_tick_that_dies_after_sealing_loses_nothing(ticker: Ticker, kept: str) -> None:
    lost = ticker.evaluate(NAME)
    if kept == "partitions":  # Dagster adds partitions before it keeps the requests
        ticker.instance.add_dynamic_partitions("shards", ["s000000", "s000001"])
    again = ticker.tick(NAME)
    assert [request.run_key for request in lost.run_requests or []] == [request.run_key for request in again]
    assert len(again) == 2
    assert ticker.requested(NAME) == []


def test_a_tick_that_is_repeated_asks_with_the_same_keys(ticker: Ticker) -> None:
    assert len(ticker.tick(NAME)) == 2
    ticker.cursors[NAME] = None  # as if the cursor had not been kept
    assert ticker.tick(NAME) == []


def test_a_shard_that_was_made_by_hand_is_not_requested(ticker: Ticker) -> None:
    ticker.run([request for request in ticker.tick(NAME) if request.partition_key == "s000000"])
    fresh = Ticker(ticker.bench, ticker.instance)  # Dagster's records are gone, the lake is not
    assert fresh.requested(NAME) == ["s000001"]


def test_a_lake_that_was_started_anew_is_requested_anew(ticker: Ticker) -> None:
    ticker.tick(NAME)
    shutil.rmtree(ticker.bench.root / "lake")
    assert ticker.requested(NAME) == ["s000000", "s000001"]


def test_a_large_archive_is_requested_over_several_ticks(ticker: Ticker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_videos, "REQUESTS_A_TICK", 1)
    assert [ticker.requested(NAME) for _ in range(3)] == [["s000000"], ["s000001"], []]


def test_what_there_was_no_time_for_comes_at_the_next_tick(ticker: Ticker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_videos, "TICK_SECONDS", -1.0)
    assert ticker.requested(NAME) == []
    assert ticker.said == "no new video among 3 files, 3 left for the next look"
    monkeypatch.undo()
    assert ticker.requested(NAME) == ["s000000", "s000001"]


def test_settings_are_read_anew_at_every_tick(ticker: Ticker) -> None:
    ticker.bench.edit("per_shard: 2", "per_shard: 3")
    assert ticker.requested(NAME) == ["s000000"]


def test_a_mistake_is_a_reason_to_skip(tmp_path: Path, instance: dg.DagsterInstance) -> None:
    ticker = Ticker(BenchProject.make(tmp_path, videos=0), instance)
    assert ticker.requested(NAME) == []
    assert "the video folder does not exist" in str(ticker.said)
    ticker.bench.edit("per_shard", "per_shrad")
    assert ticker.requested(NAME) == []
    assert "Did you mean" in str(ticker.said)
