"""What reports count is what the tables hold."""

import re
from dataclasses import astuple

from dbt_like_sql.views import connect
from tests.browser.test_catalog import rows
from videopasta_assets.assets.verified_pairs import retention as figures_of_shard
from videopasta_assets.reports.tally import tally
from videopasta_assets.stages import verified_pairs
from videopasta_assets.stages.human_verdicts import Decision, Opinion, record
from videopasta_assets.stages.project import Project
from videopasta_assets.taxonomy import VerdictStatus


def words(text: str) -> int:
    return len(re.split(r"\s+", text.strip(), flags=re.ASCII))


def test_counts_are_those_of_the_tables(project: Project) -> None:
    counted = tally(project)
    stages = dict(counted.stages)
    pairs, verdicts = rows(project, "verified_pairs"), rows(project, "verdicts")
    assert stages["videos"] == 2
    assert stages["questions"] == stages["aligned responses"] == 6
    assert stages["potential pairs (slots)"] == counted.slots == 18
    assert stages["attempts at adversaries"] == counted.attempts == len(rows(project, "adversaries"))
    assert stages["accepted by the verifier"] == counted.accepted
    assert stages["verified pairs"] == stages["in the preference set"] == counted.pairs == len(pairs)
    for mode in counted.modes:
        assert mode.pairs == sum(row["adv_mode"] == mode.mode for row in pairs)
        assert mode.slots == 6
        assert mode.retention == mode.pairs / 6
    assert sum(sum(kinds.values()) for kinds in counted.verdicts.values()) == len(verdicts)
    assert sum(accepted for *_, accepted in counted.strategies) == sum(
        row["verdict"] == VerdictStatus.ACCEPTED for row in verdicts
    )
    assert sorted(counted.lengths) == sorted((words(row["chosen"]), words(row["rejected"])) for row in pairs)
    assert counted.agreement is None
    assert counted.oracle == ()
    assert {role: calls for role, calls, *_ in counted.costs}["adversaries"] == counted.attempts


def test_agreement_counts_the_last_decision_on_an_attempt(bench_copy: Project) -> None:
    pair, other = rows(bench_copy, "verified_pairs")[:2]
    aligned = {row["query_id"]: row["data_version"] for row in rows(bench_copy, "aligned_responses")}
    made = {row["adversary_id"]: row["data_version"] for row in rows(bench_copy, "adversaries")}
    for row, author, decision in (
        (pair, "Ada", Decision.ACCEPTED),
        (pair, "Grace", Decision.REJECTED),
        (other, "Ada", Decision.ACCEPTED),
        (other, "Ada", Decision.COMMENTED),
    ):
        read = (aligned[row["query_id"]], made[row["pair_id"]])
        record(bench_copy, "s000000", Opinion(row["pair_id"], decision, author, "because", read))
    agreement = tally(bench_copy).agreement
    assert agreement is not None
    assert (agreement.decided, agreement.same, agreement.authors) == (2, 1, 2)
    assert (agreement.only_person_accepted, agreement.only_verifier_accepted) == (0, 1)


def test_retention_is_that_of_the_sql_models_after_people_decided_too(bench_copy: Project) -> None:
    pair = rows(bench_copy, "verified_pairs")[0]
    aligned = {row["query_id"]: row["data_version"] for row in rows(bench_copy, "aligned_responses")}
    made = {row["adversary_id"]: row["data_version"] for row in rows(bench_copy, "adversaries")}
    read = (aligned[pair["query_id"]], made[pair["pair_id"]])
    record(bench_copy, "s000000", Opinion(pair["pair_id"], Decision.REJECTED, "Ada", "wrong", read))
    verified_pairs.run(bench_copy, "s000000")
    counted = tally(bench_copy)
    with connect(bench_copy.lake, recipe=bench_copy.settings.recipe) as connection:
        found = connection.execute(
            "SELECT adv_mode, slots, attempts, accepted, pairs, slot_retention, attempt_acceptance "
            "FROM retention_by_mode"
        ).fetchall()
        ((pairs, retention),) = connection.execute("SELECT pairs, retention FROM retention_arithmetic").fetchall()
    ours = [(*astuple(mode), mode.retention, mode.acceptance) for mode in counted.modes]
    assert sorted(found) == sorted(ours)
    assert counted.pairs == counted.accepted - 1 == pairs, "the verifier's verdict stays, the pair goes"
    assert retention == counted.pairs / counted.slots
    shard = figures_of_shard(bench_copy, "s000000")["retention by mode"].value
    for row in ours:
        assert "| " + " | ".join(str(value) for value in row[:5]).replace("_", "\\_") in shard


def test_an_empty_lake_counts_nothing(empty: Project) -> None:
    counted = tally(empty)
    assert (counted.pairs, counted.slots, counted.attempts) == (0, 0, 0)
    assert all(mode.retention is None and mode.acceptance is None for mode in counted.modes)
