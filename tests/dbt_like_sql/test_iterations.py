"""A recipe's later iterations in SQL: every model counts them, none takes one for another."""

import pytest

from dbt_like_sql.catalog import load_models
from dbt_like_sql.views import connect
from tests.fakes.bench_project import BenchProject
from videopasta_assets.lake import TABLES, Lake, Row
from videopasta_assets.lake.shards import list_shards
from videopasta_assets.stages import preference_set
from videopasta_assets.stages.landing import land
from videopasta_assets.stages.pipeline import run_shard
from videopasta_assets.stages.project import Project

VIDEOS, QUESTIONS = 3, 9


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Two iterations of three videos in two shards, as far as their pairs."""
    bench = BenchProject.make(tmp_path_factory.mktemp("project"), videos=VIDEOS)
    bench.edit("recipe: {queries_per_video: 3", "recipe: {iterations: 2, queries_per_video: 3")
    first = bench.project
    land(first)
    second = Project(first.settings.model_copy(update={"seed": 1}), iteration=2)
    for turn in (first, second):
        for shard in list_shards(first.lake):
            run_shard(turn, shard, bench.engines)
        preference_set.run(turn)
        _score(turn)
    return first.lake


def _score(turn: Project) -> None:
    """A checkpoint of the iteration, and its scores, as rows alone."""
    row: Row = {"row_key": "all", "provenance": "by hand", "experiment": "first", "mode": "all"}
    row |= {"benchmark": "held-out"}
    trained = {**row, "adapter": "a", "adapter_hash": f"adapter {turn.iteration}", "pairs": 5, "steps": 1}
    found = preference_set.current(turn)
    trained |= {"preference_set": found.hash if found else ""}
    scored = {**row, "adapter_hash": f"adapter {turn.iteration}", "items": 10, "base_model": "tiny@1"}
    scored |= {"base_accuracy": 0.5, "tuned_accuracy": 0.6, "difference": 0.1}
    answers: list[Row] = [
        {**row, "row_key": f"{model} {item}", "item_id": f"{item}", "model": model, "correct": item == 0}
        for model in ("base", "tuned")
        for item in range(2)
    ]
    answers[-1] |= {"correct": True, "predicted_index": turn.iteration}
    for table, place, rows in (
        ("lora_checkpoint", "first", [trained]),
        ("benchmark_scores", "first__held-out", [scored]),
        ("benchmark_answers", "base__held-out", answers[:2]),
        ("benchmark_answers", "first__held-out", answers[2:]),
    ):
        schema = TABLES[table]
        known = {column.name for column in schema.columns} | {"row_key", "provenance"}
        complete = [schema.versioned({name: row[name] for name in row if name in known}) for row in rows]
        turn.lake.write(turn.address(table, place), complete, {})


def test_the_checks_of_every_model_hold_over_two_iterations(lake: Lake) -> None:
    with connect(lake) as connection:
        broken = {
            f"{model.name}: {check}": found
            for model in load_models()
            for check in model.checks
            if (found := connection.execute(check.violations(model.name)).fetchall())
        }
    assert broken == {}


def test_every_table_says_which_iteration_a_row_is_of(lake: Lake) -> None:
    with connect(lake) as connection:
        ask = "SELECT iteration, count(*) FROM {} GROUP BY 1 ORDER BY 1"
        assert connection.execute(ask.format("queries")).fetchall() == [(1, QUESTIONS), (2, QUESTIONS)]
        assert connection.execute(ask.format("sampled_videos")).fetchall() == [(1, VIDEOS)]
        shards = connection.execute("SELECT DISTINCT shard FROM verified_pairs WHERE iteration = 2").fetchall()
    assert sorted(shards) == [("s000000__i2",), ("s000001__i2",)]


def test_what_joins_by_shard_finds_the_videos_of_later_iterations(lake: Lake) -> None:
    with connect(lake) as connection:
        assert connection.execute("SELECT sum(orphans) FROM orphans").fetchone() == (0,)
        videos = connection.execute(
            "SELECT count(*), count(path), count(DISTINCT path) FROM funnel_by_video"
        ).fetchone()
        assert videos == (2 * VIDEOS, 2 * VIDEOS, VIDEOS)
        drift = connection.execute("SELECT count(*), count(landed_at), count(earlier_retention) FROM drift").fetchone()
        assert drift == (4, 4, 2), "a shard is compared with earlier ones of its own iteration"
        funnel = connection.execute("SELECT DISTINCT shard FROM funnel WHERE stage = 'verified pairs'").fetchall()
        assert len(funnel) == 4


def test_lineage_leads_to_the_pairs_of_their_own_iteration(lake: Lake) -> None:
    with connect(lake) as connection:
        members = connection.execute(
            "SELECT pair_shard LIKE '%\\_\\_i2' ESCAPE '\\' AS second, count(*), bool_and(held), bool_and(current_set) "
            "FROM lineage GROUP BY 1 ORDER BY 1"
        ).fetchall()
        pairs = connection.execute(
            "SELECT count(*) FROM verified_pairs GROUP BY iteration ORDER BY iteration"
        ).fetchall()
    assert [(second, count) for second, count, *_ in members] == [(False, pairs[0][0]), (True, pairs[1][0])]
    assert all(held and current for *_, held, current in members)


def test_checkpoints_and_scores_are_told_apart_by_iteration(lake: Lake) -> None:
    with connect(lake) as connection:
        board = connection.execute("SELECT iteration, pairs, current FROM leaderboard ORDER BY 1").fetchall()
        changed = connection.execute("SELECT iteration, change FROM changed_answers ORDER BY 1").fetchall()
        compared = connection.execute("SELECT iteration, trained_on FROM recipe_comparison ORDER BY 1").fetchall()
    assert board == [(1, 5, True), (2, 5, True)]
    assert changed == [(1, "fixed"), (2, "fixed")]
    assert compared == [(1, 5), (2, 5)]
