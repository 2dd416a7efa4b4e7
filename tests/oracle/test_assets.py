"""The oracle in Dagster: its assets run, and its checks warn with tables behind them."""

import dagster as dg

from tests.fakes.toyworld_engine import one
from tests.oracle.conftest import World
from videopasta_assets.assets import oracle_answers, oracle_scores
from videopasta_assets.assets.execution import execute_shard
from videopasta_assets.stages.project import good_rows

TABLES = ("oracle_answers", "oracle_scores", "oracle_targeting")


def test_checks_warn_and_never_stop_the_pipeline(world: World) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        result = execute_shard(world.project, instance, world.shard, TABLES, engines=one(world.scenes))
        assert result.success, result.error
        records = instance.get_records_for_run(result.run_id).records
    found = {
        event.check_name: event
        for record in records
        if record.event_log_entry.dagster_event is not None
        and record.event_log_entry.dagster_event.event_type_value == "ASSET_CHECK_EVALUATION"
        for event in [record.event_log_entry.dagster_event.asset_check_evaluation_data]
    }
    assert found.keys() == {
        "aligned_responses_are_right",
        "adversaries_are_on_target",
        "verifier_precision",
        "verifier_recall",
        "judge_names_the_mode",
    }
    assert all(event.severity is dg.AssetCheckSeverity.WARN for event in found.values())
    assert found["verifier_precision"].passed and found["adversaries_are_on_target"].passed
    assert found["verifier_precision"].metadata["share"].value == 1.0
    assert "deserved" in str(found["verifier_recall"].metadata["verdicts"].value)
    assert "VideoPASTA" in str(found["judge_names_the_mode"].metadata["by mode"].value)


def test_tables_of_metadata_add_up(world: World) -> None:
    rows = list(good_rows(world.project, "oracle_scores", world.shard))
    assert sum(row["attempts"] for row in oracle_scores.by_strategy(rows)) == len(rows)
    table = oracle_scores.confusion(rows)
    assert sum(count for row in table for name, count in row.items() if name != "deserved") == len(rows)
    shown = str(oracle_answers.truth_by_mode(world.project, world.shard)["truth by mode"].value)
    assert shown.count("\n") == 4 and "cross" in shown
