"""A person's verdict wins, is kept for ever, and counts only for the texts that the person read."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.fakes.bench_project import BenchProject
from tests.stages.conftest import Bench
from videopasta_assets.errors import UserError
from videopasta_assets.planning import make_plan
from videopasta_assets.stages import human_verdicts, preference_set
from videopasta_assets.stages.human_verdicts import Decision, Opinion, record
from videopasta_assets.taxonomy import VerdictStatus

SHARD = "s000000"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    """Two videos with their pairs; every test gets a copy."""
    made = BenchProject.make(tmp_path_factory.mktemp("judged"), videos=2)
    first = Bench(made.root, made.engine)
    first.run()
    return first


@pytest.fixture
def judged(made: Bench, tmp_path: Path) -> Bench:
    shutil.copytree(made.root, tmp_path / "copy")
    return Bench(tmp_path / "copy", made.engine)


def say(bench: Bench, adversary_id: object, decision: Decision, comment: str = "", author: str = "Ada") -> None:
    project = bench.project
    adversary = next(row for row in bench.rows("adversaries") if row["adversary_id"] == adversary_id)
    aligned = next(row for row in bench.rows("aligned_responses") if row["query_id"] == adversary["query_id"])
    read = (str(aligned["data_version"]), str(adversary["data_version"]))
    record(project, SHARD, Opinion(str(adversary_id), decision, author, comment, read))


def of_first_shard(bench: Bench, table: str) -> list[dict]:
    return bench.project.lake.rows(bench.project.address(table, SHARD))


def test_a_rejected_pair_leaves_the_next_set_and_comes_back_when_withdrawn(judged: Bench) -> None:
    pairs = of_first_shard(judged, "verified_pairs")
    first = pairs[0]
    preference_set.run(judged.project)
    before = preference_set.current(judged.project)
    say(judged, first["pair_id"], Decision.REJECTED, "both are wrong")
    outcome = judged.run()[SHARD]["verified_pairs"]
    assert (outcome.reused, outcome.computed, outcome.dropped) == (len(pairs) - 1, 0, 1)
    preference_set.run(judged.project)
    after = preference_set.current(judged.project)
    assert before is not None
    assert after is not None
    assert {row["pair_id"] for row in before.members} - {row["pair_id"] for row in after.members} == {first["pair_id"]}
    assert before.hash != after.hash
    say(judged, first["pair_id"], Decision.WITHDRAWN)
    judged.run()
    assert [row["data_version"] for row in of_first_shard(judged, "verified_pairs")] == [
        row["data_version"] for row in pairs
    ]
    assert [row["decision"] for row in judged.rows("human_verdicts")] == ["rejected", "withdrawn"]


def test_an_accepted_attempt_replaces_the_slots_pair(judged: Bench) -> None:
    verdicts = of_first_shard(judged, "verdicts")
    slots: dict[tuple, list[dict]] = {}
    for row in verdicts:
        slots.setdefault((row["query_id"], row["slot"]), []).append(row)
    retried = next(rows for rows in slots.values() if {row["verdict"] for row in rows} > {VerdictStatus.ACCEPTED})
    rejected = next(row for row in retried if row["verdict"] != VerdictStatus.ACCEPTED)
    pairs = {row["pair_id"] for row in of_first_shard(judged, "verified_pairs")}
    say(judged, rejected["adversary_id"], Decision.ACCEPTED, "it does contradict")
    judged.run()
    now = {row["pair_id"]: row for row in of_first_shard(judged, "verified_pairs")}
    accepted = next(row for row in retried if row["verdict"] == VerdictStatus.ACCEPTED)
    assert set(now) == pairs - {accepted["adversary_id"]} | {rejected["adversary_id"]}
    pair = now[rejected["adversary_id"]]
    assert (pair["decided_by"], pair["verdict"], pair["reason"]) == ("human", "accepted", "it does contradict")


def test_a_verdict_is_part_of_the_pairs_provenance(judged: Bench) -> None:
    pair = of_first_shard(judged, "verified_pairs")[0]
    say(judged, pair["pair_id"], Decision.ACCEPTED)
    judged.run()
    now = next(row for row in of_first_shard(judged, "verified_pairs") if row["pair_id"] == pair["pair_id"])
    assert now["provenance"] != pair["provenance"]
    assert now["decided_by"] == "human"


def test_a_plan_says_what_a_verdict_touches(judged: Bench) -> None:
    pair = of_first_shard(judged, "verified_pairs")[0]
    preference_set.run(judged.project)
    assert not [step for step in make_plan(judged.project).steps if step.asset == "verified_pairs" and step.to_do]
    say(judged, pair["pair_id"], Decision.REJECTED)
    steps = {step.asset: step for step in make_plan(judged.project).steps if step.partition in (SHARD, "all")}
    assert {asset for asset, step in steps.items() if step.to_do} == {"verified_pairs", "preference_set"}
    assert steps["verified_pairs"].rows_orphaned == 1


def test_verdicts_at_the_same_time_are_all_kept(judged: Bench) -> None:
    pairs = of_first_shard(judged, "verified_pairs")[:4]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda pair: say(judged, pair["pair_id"], Decision.REJECTED), pairs))
    rows = of_first_shard(judged, "human_verdicts")
    assert sorted(row["ordinal"] for row in rows) == [1, 2, 3, 4]
    assert {row["adversary_id"] for row in rows} == {pair["pair_id"] for pair in pairs}


def test_comments_change_no_pair_and_the_last_decision_counts(judged: Bench) -> None:
    pair = of_first_shard(judged, "verified_pairs")[0]
    say(judged, pair["pair_id"], Decision.ACCEPTED)
    say(judged, pair["pair_id"], Decision.REJECTED, author="Grace")
    say(judged, pair["pair_id"], Decision.COMMENTED, "<script>alert(1)</script>")
    rows = of_first_shard(judged, "human_verdicts")
    assert [row["ordinal"] for row in sorted(rows, key=lambda row: row["decided_at"])] == [1, 2, 3]
    assert [row["author"] for row in human_verdicts.decisions(rows).values()] == ["Grace"]
    assert {row["verdict"] for row in rows} == {"accepted"}
    judged.run()
    assert pair["pair_id"] not in {row["pair_id"] for row in of_first_shard(judged, "verified_pairs")}


def test_new_texts_need_a_new_verdict(judged: Bench) -> None:
    pair = of_first_shard(judged, "verified_pairs")[0]
    say(judged, pair["pair_id"], Decision.REJECTED)
    judged.run()
    for path in (judged.root / "prompts" / "aligned").glob("*.j2"):
        path.write_text(path.read_text() + " Be brief.")
    judged.run()
    decided = human_verdicts.decisions(of_first_shard(judged, "human_verdicts"))
    versions = {row["query_id"]: row["data_version"] for row in of_first_shard(judged, "aligned_responses")}
    assert [key[1] == versions[pair["query_id"]] for key in decided] == [False]
    verdict = next(row for row in of_first_shard(judged, "verdicts") if row["adversary_id"] == pair["pair_id"])
    pairs = {row["pair_id"] for row in of_first_shard(judged, "verified_pairs")}
    assert (pair["pair_id"] in pairs) == (verdict["verdict"] == VerdictStatus.ACCEPTED)


def test_without_human_verdicts_nothing_is_computed_again(judged: Bench) -> None:
    assert all(outcome.computed == 0 for outcomes in judged.run().values() for outcome in outcomes.values())


@pytest.mark.parametrize(
    ("decision", "author", "comment", "said"),
    [
        (Decision.ACCEPTED, "  ", "", "name of its author"),
        (Decision.ACCEPTED, "a\nb", "", "name of its author"),
        (Decision.ACCEPTED, "x" * 201, "", "name of its author"),
        (Decision.REJECTED, "Ada", "x" * 4001, "4001 characters"),
        (Decision.COMMENTED, "Ada", " ", "the comment is empty"),
    ],
)
def test_bad_words_are_refused(judged: Bench, decision: Decision, author: str, comment: str, said: str) -> None:
    pair = of_first_shard(judged, "verified_pairs")[0]
    with pytest.raises(UserError, match=said):
        say(judged, pair["pair_id"], decision, comment, author)
    assert judged.rows("human_verdicts") == []


def test_a_verdict_on_texts_that_are_gone_is_refused(judged: Bench) -> None:
    pair = of_first_shard(judged, "verified_pairs")[0]
    with pytest.raises(UserError, match="have changed since"):
        record(judged.project, SHARD, Opinion(pair["pair_id"], Decision.ACCEPTED, "Ada", "", ("old", "older")))
    for shard, key in ((SHARD, "no-such-attempt"), ("s999999", pair["pair_id"]), ("../..", pair["pair_id"])):
        with pytest.raises(UserError, match="not in the lake"):
            record(judged.project, shard, Opinion(key, Decision.ACCEPTED, "Ada", "", ("", "")))
