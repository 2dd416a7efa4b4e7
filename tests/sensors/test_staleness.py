"""The staleness sensor: it reacts to what changed, whenever that came, and asks once."""

import pytest

from sensors.stale_partitions import StalePartition
from sensors.staleness import MAX_RUNS, Latch
from tests.sensors.conftest import Ticker
from videopasta_assets.assets.jobs import PREFERENCES

NAME = "staleness"
BOTH = ["s000000", "s000001"]


@pytest.fixture
def settled(ticker: Ticker) -> Ticker:
    """A project whose shards and preference set are made."""
    ticker.run(ticker.tick("new_videos"))
    ticker.run(ticker.tick(NAME))
    assert ticker.requested(NAME) == []
    assert ticker.said == "everything is fresh"
    return ticker


def edit_template(ticker: Ticker, text: str) -> None:
    (ticker.bench.root / "prompts" / "aligned" / "spatial.j2").write_text(text)


def test_the_preference_set_follows_the_pairs(ticker: Ticker) -> None:
    assert ticker.requested(NAME) == []
    ticker.run(ticker.tick("new_videos"))
    assert ticker.requested(NAME) == [PREFERENCES]


def test_a_changed_specification_is_requested_once(settled: Ticker) -> None:
    edit_template(settled, "aligned: another prompt {{ query }}")
    requests = settled.tick(NAME)
    assert [request.partition_key for request in requests] == BOTH
    settled.run(requests)
    settled.run(settled.tick(NAME))  # the preference set, if its pairs changed
    assert settled.requested(NAME) == []


def test_changed_data_is_requested(settled: Ticker) -> None:
    (settled.bench.root / "videos" / "video 2.mp4").unlink()
    assert len(settled.tick(NAME)) == 1


def test_a_missing_partition_is_requested(settled: Ticker) -> None:
    lake = settled.bench.project.lake
    lake.path(settled.bench.project.address("verified_pairs", "s000001")).unlink()
    assert settled.requested(NAME) == ["s000001"]


def test_a_new_shard_is_left_to_its_sensor_for_a_while(ticker: Ticker, monkeypatch: pytest.MonkeyPatch) -> None:
    ticker.tick("new_videos")
    assert ticker.requested(NAME) == []
    monkeypatch.setattr("sensors.staleness._PATIENCE_SECONDS", -60.0)
    assert ticker.requested(NAME) == BOTH


def test_an_update_during_a_run_is_not_lost_and_not_requested_twice(settled: Ticker) -> None:
    edit_template(settled, "aligned: second {{ query }}")
    requests = settled.tick(NAME)
    running = [settled.start(request) for request in requests]
    edit_template(settled, "aligned: third {{ query }}")
    assert settled.requested(NAME) == []
    assert settled.said == "2 stale, with a run in progress"
    for run_id in running:  # they had read the second template, say
        settled.instance.delete_run(run_id)
    assert settled.requested(NAME) == BOTH


def test_an_edit_that_is_taken_back_and_made_again_is_requested_again(settled: Ticker) -> None:
    path = settled.bench.root / "prompts" / "aligned" / "spatial.j2"
    first = path.read_text()
    for text in ("aligned: second {{ query }}", first, "aligned: second {{ query }}", first):
        path.write_text(text)
        requests = [request for request in settled.tick(NAME) if request.partition_key]
        assert [request.partition_key for request in requests] == BOTH
        settled.run(requests)


def test_a_tick_that_died_is_repeated_with_the_same_keys(settled: Ticker) -> None:
    edit_template(settled, "aligned: second {{ query }}")
    before = settled.cursors[NAME]
    assert len(settled.tick(NAME)) == 2
    settled.cursors[NAME] = before  # it died after its requests, before its cursor
    assert settled.tick(NAME) == []


def test_a_run_that_changes_nothing_is_not_asked_for_for_ever(settled: Ticker) -> None:
    edit_template(settled, "aligned: second {{ query }}")
    assert [len(settled.tick(NAME)) for _ in range(MAX_RUNS + 2)] == [2] * MAX_RUNS + [0, 0]
    assert settled.said == f"2 stay stale after {MAX_RUNS} runs (s000000, s000001): look at their last run"
    edit_template(settled, "aligned: mended {{ query }}")
    assert len(settled.tick(NAME)) == 2


def test_it_never_trains(settled: Ticker) -> None:
    sensor = settled.definitions.resolve_sensor_def(NAME)
    assert {target.job_name for target in sensor.targets} == {"pairs", PREFERENCES}


def test_a_latch_forgets_what_is_fresh() -> None:
    stale = [StalePartition("s000000", "t0", ()), StalePartition("s000001", "t1", ())]
    latch = Latch.read(None).after(stale, stale)
    latch = Latch.read(latch.write())
    assert [latch.runs_of(one) for one in stale] == [1, 1]
    assert latch.after(stale[:1], []).requested == {"s000000": ("t0", 1)}
    assert latch.runs_of(StalePartition("s000000", "another", ())) == 0
