"""The arithmetic of retention: what SQL counts is what the recipe derives, and what the paper's preset amounts to."""

from collections import Counter
from pathlib import Path

import duckdb
import pytest

from dbt_like_sql.catalog import load_models
from dbt_like_sql.views import connect
from tests.fakes.bench_project import BenchProject
from videopasta_assets.config.recipe import RecipeSettings
from videopasta_assets.lake import TABLES, Address, Lake
from videopasta_assets.lake.shards import list_shards
from videopasta_assets.recipes import adversary_slots, split_queries
from videopasta_assets.recipes.slots import AdversaryPolicy
from videopasta_assets.stages.landing import land
from videopasta_assets.stages.pipeline import run_shard

KEYS = "query_mode, query_category, adv_mode"


def ask_queries(lake: Lake, videos: int, each: int) -> list[tuple[str, str, str]]:
    """Write the questions of `videos` videos, and return their (id, mode, category)."""
    asked = [
        (f"{video}/{ordinal}", mode.value, category)
        for video in range(videos)
        for ordinal, (mode, category) in enumerate(split_queries(each, None, str(video)))
    ]
    schema = TABLES["queries"]
    rows = [
        schema.versioned(
            {"row_key": key, "query_id": key, "video_id": key.split("/")[0], "query_mode": mode, "query_category": name}
        )
        for key, mode, name in asked
    ]
    lake.write(Address("queries", "videopasta", "s000000"), rows, {})
    return asked


def adversary_spec(per_query: int, policy: str) -> dict[str, str]:
    return {"rows: adversaries per query": str(per_query), "rows: adversary policy": policy}


@pytest.mark.parametrize("made", [True, False], ids=["as made", "as set"])
@pytest.mark.parametrize(
    ("per_query", "policy"),
    [(1, "one_per_mode"), (3, "one_per_mode"), (5, "one_per_mode"), (2, "within_query_mode"), (4, "within_query_mode")],
)
def test_slots_are_those_of_the_recipe(tmp_path: Path, per_query: int, policy: AdversaryPolicy, made: bool) -> None:
    lake = Lake(tmp_path)
    asked = ask_queries(lake, videos=4, each=10)
    if made:
        lake.write(Address("adversaries", "videopasta", "s000000"), [], adversary_spec(per_query, policy))
        recipe = RecipeSettings(adversaries_per_query=3 if per_query != 3 else 2)
    else:
        recipe = RecipeSettings(adversaries_per_query=per_query, adversary_policy=policy)
    expected = Counter(
        (mode, category, slot.mode.value)
        for key, mode, category in asked
        for slot in adversary_slots(key, mode, per_query, policy)
    )
    with connect(lake, recipe=recipe) as connection:
        found = connection.execute(f"SELECT {KEYS}, slots FROM potential_slots").fetchall()
    assert {tuple(key): slots for *key, slots in found} == expected


def test_the_papers_preset_has_ninety_thousand_slots(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    ask_queries(lake, videos=3000, each=10)
    with connect(lake) as connection:
        (row,) = connection.sql("FROM retention_arithmetic").to_arrow_table().to_pylist()
        by_mode = connection.execute("SELECT slots FROM retention_by_mode").fetchall()
        _hold(connection, "retention_arithmetic")
    assert (row["videos"], row["queries"], row["potential_pairs"], row["slots"]) == (3000, 30_000, 90_000, 90_000)
    assert by_mode == [(30_000,)] * 3
    assert (row["paper_potential_pairs"], row["paper_pairs"], row["paper_retention"]) == (90_000, 7_020, 0.078)
    assert row["pairs"] == 0, "the paper's pairs are shown, never ours"


def test_every_retention_adds_up_to_the_same(tmp_path: Path) -> None:
    bench = BenchProject.make(tmp_path, videos=3)
    bench.engine.fault = lambda request: "out of order" if request.request_id[0] in "01" else None
    land(bench.project)
    for shard in list_shards(bench.project.lake):
        run_shard(bench.project, shard, bench.engines)
    lake = bench.project.lake
    with connect(lake, recipe=bench.project.settings.recipe) as connection:
        totals = {
            model: connection.execute(
                f"SELECT sum(slots), sum(attempts), sum(accepted), sum(pairs) FROM {model}"
            ).fetchall()
            for model in ("retention", "retention_by_mode", "retention_by_category", "funnel_by_video")
        }
        ((failed, attempts),) = connection.execute("SELECT sum(failed), sum(attempts) FROM retention").fetchall()
        by_strategy = connection.execute("SELECT sum(attempts), sum(pairs) FROM retention_by_strategy").fetchall()
        for model in (
            "retention",
            "retention_by_mode",
            "retention_by_category",
            "funnel",
            "funnel_by_video",
            "orphans",
        ):
            _hold(connection, model)
    assert len({tuple(rows[0]) for rows in totals.values()}) == 1, totals
    assert by_strategy == [(attempts, totals["retention"][0][3])]
    assert 0 < failed < attempts
    assert totals["retention"][0][0] == 3 * 3 * 3, "videos x questions x adversaries, asked for or not"


def _hold(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    (model,) = (model for model in load_models() if model.name == name)
    for check in model.checks:
        assert connection.execute(check.violations(name)).fetchall() == [], check
