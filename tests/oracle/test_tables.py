"""The oracle's tables on pairs whose quality is known."""

import pytest

from dbt_like_sql.views import connect
from tests.fakes.toyworld_engine import one
from tests.oracle.conftest import World
from videopasta_assets.errors import UserError
from videopasta_assets.oracle import answers, difficulty, scores, targeting
from videopasta_assets.oracle.stages import ORACLE_STAGES, ORACLE_TABLES
from videopasta_assets.stages.project import Project, good_rows
from videopasta_assets.taxonomy import MODES, VerdictStatus


@pytest.fixture(scope="module")
def judged(world: World) -> World:
    answers.run(world.project, world.shard)
    scores.run(world.project, world.shard)
    targeting.run(world.project, world.shard, one(world.scenes))
    return world


def test_only_the_known_lies_are_found(judged: World) -> None:
    rows = list(good_rows(judged.project, "oracle_answers", judged.shard))
    assert 25 <= len(rows) <= 30 and {row["query_mode"] for row in rows} == {mode.value for mode in MODES}
    for row in rows:
        lie = row["query_category"] == "foreground_background"
        assert row["right"] is not lie and row["truth"] == ("false" if lie else "true")
        assert row["broken_modes"] == (["spatial"] if lie else [])
        assert row["checked"] is None and row["unparsed"] == 0


def test_adversaries_are_false_as_asked_and_the_verifier_is_perfect(judged: World) -> None:
    rows = list(good_rows(judged.project, "oracle_scores", judged.shard))
    assert rows and all(row["on_target"] and row["adversary_truth"] == "false" for row in rows)
    assert sum(row["verdict"] == row["expected_verdict"] for row in rows) == len(rows)
    accepted = [row for row in rows if row["verdict"] == VerdictStatus.ACCEPTED]
    assert sum(row["good_pair"] for row in accepted) > 0.8 * len(accepted)


def test_the_blind_judge_is_never_told_the_mode(judged: World) -> None:
    pairs = {row["pair_id"]: row for row in good_rows(judged.project, "verified_pairs", judged.shard)}
    rows = list(good_rows(judged.project, "oracle_targeting", judged.shard))
    assert {row["pair_id"] for row in rows} == pairs.keys()
    assert all(row["judged_mode"] == row["readable_mode"] for row in rows)
    assert sum(row["hit"] for row in rows) == sum(row["judged_mode"] == row["adv_mode"] for row in rows) > 0
    for derivation in targeting.derive(judged.project, judged.shard):
        text = derivation.payload.request.prompt.text.replace(pairs[derivation.row_key]["query"], "")
        assert not any(mode.value in text.casefold() for mode in MODES)


def test_a_second_run_computes_nothing(judged: World) -> None:
    assert answers.run(judged.project, judged.shard).computed == 0
    assert targeting.run(judged.project, judged.shard, one({})).computed == 0


def test_the_models_of_the_oracle_bind_and_answer(judged: World) -> None:
    connection = connect(judged.project.lake)
    by_strategy = connection.execute("SELECT * FROM oracle_by_strategy").fetchall()
    assert len(by_strategy) > 5
    precision = connection.execute(
        "SELECT precision, recall FROM oracle_verifier WHERE yardstick = 'text' AND adv_mode = 'all'"
    ).fetchone()
    assert precision == (1.0, 1.0)
    wrong = connection.execute("SELECT count(*) FROM oracle_confusion WHERE deserved <> given").fetchone()
    assert wrong == (0,)
    modes = connection.execute("SELECT adv_mode, videopasta_table_8 FROM oracle_targeting_by_mode").fetchall()
    assert set(modes) <= {(mode.value, targeting.PAPER[mode]) for mode in MODES} and modes
    rights = connection.execute("SELECT responses, answered_rightly FROM oracle_truth WHERE query_mode = 'temporal'")
    assert [row[1] for row in rights.fetchall()] == [1.0] * 5


def test_difficulty_is_the_margin_of_the_model_itself(world: World) -> None:
    some = difficulty.derive(world.project, world.shard)[:3]
    rows = list(difficulty.compute(world.project, some))
    assert {row["row_key"] for row in rows} == {derivation.row_key for derivation in some}
    for row in rows:
        assert row["margin"] == pytest.approx(row["chosen_logp"] - row["rejected_logp"])
        assert row["prefers_chosen"] == (row["margin"] > 0) and row["chosen_logp"] < 0 and row["chosen_tokens"] > 5


def test_without_truth_there_is_no_oracle(world: World) -> None:
    blind = Project(world.project.settings.model_copy(update={"oracle_truth": None}))
    with pytest.raises(UserError, match="no truth"):
        list(answers.compute(blind, answers.derive(world.project, world.shard)))


def test_every_stage_is_listed_once() -> None:
    assert len(set(ORACLE_TABLES)) == len(ORACLE_STAGES) == 4
