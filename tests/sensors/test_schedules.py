"""The schedules, called as the daemon calls them."""

from collections.abc import Iterator
from datetime import UTC, datetime

import dagster as dg
import pytest

from tests.sensors.conftest import BenchProject, Ticker
from videopasta_assets.definitions import build_definitions
from videopasta_assets.errors import UserError
from videopasta_assets.lake.shards import list_shards
from videopasta_assets.stages import videos
from videopasta_assets.stages.landing import land
from videopasta_assets.stages.materialize import Outcome
from videopasta_assets.stages.pipeline import run_shard
from videopasta_assets.stages.project import Project


@pytest.fixture
def disk_instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dg.DagsterInstance]:
    """On disk: a schedule opens the instance by its address."""
    with dg.DagsterInstance.local_temp(str(tmp_path_factory.mktemp("dagster"))) as made:
        yield made


def asked(bench: BenchProject, instance: dg.DagsterInstance, name: str = "nightly") -> list[str | None]:
    """Partitions that one evaluation requests; a skip gives its reason."""
    definitions = build_definitions(bench.project)
    context = dg.build_schedule_context(
        instance=instance,
        resources={"project": bench.project},
        repository_def=definitions.get_repository_def(),
        scheduled_execution_time=datetime(2026, 1, 1, 3, tzinfo=UTC),
    )
    data = definitions.resolve_schedule_def(name).evaluate_tick(context)
    return [request.partition_key for request in data.run_requests or []] or [data.skip_message]


def make_pairs(bench: BenchProject) -> None:
    land(bench.project)
    for shard in list_shards(bench.project.lake):
        run_shard(bench.project, shard, bench.engines)


def test_stale_shards_are_requested_and_fresh_ones_left(bench: BenchProject, disk_instance: dg.DagsterInstance) -> None:
    land(bench.project)
    assert asked(bench, disk_instance) == ["s000000", "s000001"]
    for shard in ("s000000", "s000001"):
        run_shard(bench.project, shard, bench.engines)
    assert asked(bench, disk_instance) == ["every shard is fresh"]
    (bench.root / "videos" / "video 2.mp4").unlink()
    assert len(asked(bench, disk_instance)) == 1
    (bench.root / "prompts" / "aligned" / "spatial.j2").write_text("another prompt: {{ query }}")
    assert asked(bench, disk_instance) == ["s000000", "s000001"]


def test_what_has_a_run_is_left_to_it(bench: BenchProject, disk_instance: dg.DagsterInstance) -> None:
    land(bench.project)
    ticker = Ticker(bench, disk_instance)
    ticker.start(dg.RunRequest(partition_key="s000000"))
    assert asked(bench, disk_instance) == ["s000001"]
    ticker.start(dg.RunRequest(partition_key="s000001"))
    assert asked(bench, disk_instance) == ["what is stale has a run in progress"]


def test_training_waits_for_enough_new_pairs(bench: BenchProject, disk_instance: dg.DagsterInstance) -> None:
    assert asked(bench, disk_instance, "training") == [
        "first: 0 new of 0 pairs, it takes 100; second: 0 new of 0 pairs, it takes 100"
    ]
    make_pairs(bench)
    bench.edit("automation: {", "automation: {min_new_pairs: 2, ")
    assert asked(bench, disk_instance, "training") == ["first", "second"]
    Ticker(bench, disk_instance).start(dg.RunRequest(job_name="retrain", partition_key="first"))
    assert asked(bench, disk_instance, "training") == ["second"]


@pytest.mark.parametrize("sound", [True, False])
def test_training_runs_only_when_the_blocking_checks_pass(
    bench: BenchProject, disk_instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, sound: bool
) -> None:
    make_pairs(bench)
    if not sound:
        (bench.root / "videos" / "video 0.mp4").unlink()
        for shard in list_shards(bench.project.lake):
            videos.run(bench.project, shard)  # the pairs are not retracted yet
    trained: list[str] = []

    def run(project: Project, experiment: str, *_: object) -> Outcome:
        trained.append(experiment)
        manifest = project.lake.manifest(project.address("preference_set", "all"))
        assert manifest is not None
        return Outcome(manifest, 0, 1, 0, 0)

    monkeypatch.setattr("videopasta_assets.stages.lora_checkpoint.run", run)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    result = (
        build_definitions(bench.project)
        .resolve_job_def("retrain")
        .execute_in_process(instance=disk_instance, partition_key="second", raise_on_error=False)
    )
    assert result.success == sound
    assert trained == (["second"] if sound else [])
    blocked = [check.check_name for check in result.get_asset_check_evaluations() if not check.passed]
    assert blocked == ([] if sound else ["videos_are_present"])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [("nightly: every night", "automation.nightly"), ("timezone: Mars/Olympus", "automation.timezone")],
)
def test_a_wrong_time_is_one_sentence(bench: BenchProject, wrong: str, said: str) -> None:
    bench.edit("automation: {", f"automation: {{{wrong}, ")
    with pytest.raises(UserError, match=said):
        build_definitions(bench.project)
