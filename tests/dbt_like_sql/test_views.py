"""The models over a lake that a real run has filled."""

from pathlib import Path

import pytest

from dbt_like_sql.catalog import load_models
from dbt_like_sql.materialize import SqlModelError, materialize_model
from dbt_like_sql.model import parse_model
from dbt_like_sql.views import column_meanings, connect
from tests.fakes.bench_project import BenchProject
from videopasta_assets.errors import UserError
from videopasta_assets.lake import Address, Lake
from videopasta_assets.lake.shards import list_shards
from videopasta_assets.stages.landing import land
from videopasta_assets.stages.pipeline import run_shard


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    bench = BenchProject.make(tmp_path_factory.mktemp("project"), videos=3)
    project = bench.project
    land(project)
    for shard in list_shards(project.lake):
        run_shard(project, shard, bench.engines)
    return project.lake


@pytest.mark.parametrize("filled", [True, False])
def test_every_model_runs_and_its_checks_hold(lake: Lake, tmp_path: Path, filled: bool) -> None:
    chosen = lake if filled else Lake(tmp_path)
    with connect(chosen) as connection:
        for model in load_models():
            result = materialize_model(chosen, model, connection)
            assert model.is_view if result.path is None else result.path.exists()
            assert set(model.columns) <= set(result.first.column_names), model.name
            assert model.description, model.name
            for check in model.checks:
                assert connection.execute(check.violations(model.name)).fetchall() == [], f"{model.name}: {check}"


def test_a_result_stands_for_its_model_from_then_on(lake: Lake) -> None:
    models = {model.name: model for model in load_models()}
    model = models["retention_by_mode"]
    with connect(lake) as connection:
        viewed = connection.view(model.name)
        columns, types, rows = viewed.columns, viewed.types, sorted(viewed.fetchall())
        for _ in range(2):
            materialize_model(lake, model, connection)
            kept = connection.table(model.name)
            assert (kept.columns, kept.types, sorted(kept.fetchall())) == (columns, types, rows)


def test_retention_agrees_with_the_rows(lake: Lake) -> None:
    verdicts = [
        row for shard in list_shards(lake) for row in lake.rows(_address("verdicts", shard)) if row["error"] is None
    ]
    with connect(lake) as connection:
        found = connection.execute(
            "SELECT adv_mode, slots, attempts, accepted, pairs, slot_retention FROM retention_by_mode"
        ).fetchall()
    assert len(found) == 3
    for mode, slots, attempts, accepted, pairs, retention in found:
        own = [row for row in verdicts if row["adv_mode"] == mode]
        assert attempts == len(own)
        assert slots == len({(row["query_id"], row["slot"]) for row in own})
        assert accepted == sum(row["verdict"] == "accepted" for row in own)
        assert retention == pairs / slots


def test_the_funnel_narrows_where_it_must(lake: Lake) -> None:
    with connect(lake) as connection:
        total = dict(connection.execute("SELECT stage, sum(rows) FROM funnel GROUP BY stage").fetchall())
    assert total["videos"] == total["sampled videos"] == 3
    assert total["queries"] == total["aligned responses"] == 9
    assert total["slots"] == 27
    assert total["accepted slots"] == total["verified pairs"] <= total["slots"] <= total["attempts"]


def test_sql_tells_which_share_of_the_prompts_was_cached(lake: Lake) -> None:
    """The engine of the tests says 4 of each prompt's 10 tokens."""
    with connect(lake) as connection:
        shares = connection.execute("SELECT DISTINCT role, cached_share FROM engine_latency ORDER BY role").fetchall()
    told = [(role, pytest.approx(0.4)) for role in ("query writer", "responder adversaries", "responder aligned")]
    assert shares == [*told, ("verifier", pytest.approx(0.4))]


def test_equal_rows_give_equal_versions(lake: Lake) -> None:
    versions = []
    for _ in range(2):
        with connect(lake) as connection:
            versions.append([materialize_model(lake, model, connection).data_version for model in load_models()])
    assert versions[0] == versions[1]


def test_views_carry_their_meanings(lake: Lake) -> None:
    with connect(lake) as connection:
        comment = connection.execute(
            "SELECT comment FROM duckdb_columns() WHERE table_name = 'retention_by_mode' AND column_name = 'slots'"
        ).fetchone()
    assert comment is not None
    assert "Places for an adversary" in comment[0]


def test_every_column_of_every_model_has_a_meaning(lake: Lake) -> None:
    with connect(lake) as connection:
        found = connection.execute(
            "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND comment IS NULL"
        ).fetchall()
    assert found == [], "declare them with `-- column name: meaning` in the model's header"


def test_a_column_means_what_it_means_where_it_comes_from(lake: Lake) -> None:
    with connect(lake) as connection:
        known = column_meanings(connection, "rejection_reasons")
    assert known["recipe"] == "Recipe of the row, or common; prunes files."
    assert known["attempts"] == "Attempts with the verdict."


def test_a_query_that_does_not_bind_names_its_file(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "broken.sql"
    path.write_text("SELECT no_such_column FROM videos")
    with pytest.raises(UserError, match=r"broken.sql, line 1: this model does not bind"):
        connect(lake, [parse_model(path)])


def test_a_query_that_fails_while_it_runs_names_its_file(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "failing.sql"
    path.write_text("SELECT path::INTEGER AS number FROM videos")
    model = parse_model(path)
    with connect(lake, [model]) as connection, pytest.raises(SqlModelError, match=r"failing.sql: Conversion Error"):
        materialize_model(lake, model, connection)


def _address(table: str, shard: str) -> Address:
    return Address(table, "videopasta", shard)
