"""Metadata tells the story: funnel, retention, verdicts, pairs with frames, people, lineage, reports."""

from pathlib import Path

import dagster as dg
import pytest

from tests.fakes.bench_project import BenchProject
from videopasta_assets.assets.adversaries import attempt_figures
from videopasta_assets.assets.preference_set import set_figures
from videopasta_assets.assets.verified_pairs import pair_figures
from videopasta_assets.lake import TABLES
from videopasta_assets.stages import preference_set
from videopasta_assets.stages.human_verdicts import Decision, Opinion, record
from videopasta_assets.stages.pipeline import run_shard
from videopasta_assets.stages.project import Project

SHARD = "s000000"


@pytest.fixture
def project(bench: BenchProject) -> Project:
    opened = bench.project
    run_shard(opened, SHARD, bench.engines)
    preference_set.run(opened)
    return opened


def test_a_shards_pairs(project: Project) -> None:
    figures = pair_figures(project, SHARD)
    assert "| spatial | 6 |" in figures["retention by mode"].value
    assert 0 <= figures["retention spatial"] <= 1
    assert "rejected\\_no\\_contradiction" in figures["verdicts"].value
    assert "data:image/png;base64," in figures["pairs with frames"].value
    assert "| rejected | adversary" in figures["pairs with frames"].value
    assert "agreement of people and verifier" not in figures
    lineage = figures["dagster/column_lineage"].deps_by_column
    assert set(lineage) <= {column.name for column in TABLES["verified_pairs"].columns}
    assert lineage["chosen"] == [dg.TableColumnDep(dg.AssetKey(["videopasta", "aligned_responses"]), "response")]
    for deps in lineage.values():
        for dep in deps:
            assert dep.column_name in {column.name for column in TABLES[dep.asset_key.path[-1]].columns}


def test_people_show_in_the_figures(project: Project) -> None:
    pair = project.lake.rows(project.address("verified_pairs", SHARD))[0]
    aligned = next(
        row
        for row in project.lake.rows(project.address("aligned_responses", SHARD))
        if row["query_id"] == pair["query_id"]
    )
    adversary = next(
        row
        for row in project.lake.rows(project.address("adversaries", SHARD))
        if row["adversary_id"] == pair["pair_id"]
    )
    read = (aligned["data_version"], adversary["data_version"])
    record(project, SHARD, Opinion(pair["pair_id"], Decision.REJECTED, "Ada", "", read))
    figures = pair_figures(project, SHARD)
    assert (figures["decided by people"], figures["agreement of people and verifier"]) == (1, 0.0)


def test_attempts(project: Project) -> None:
    figures = attempt_figures(project, SHARD)
    attempts = project.lake.rows(project.address("adversaries", SHARD))
    assert figures["attempts a slot"] == len(attempts) / len({(row["query_id"], row["slot"]) for row in attempts})
    assert all(row["adv_strategy"].replace("_", "\\_") in figures["attempts by strategy"].value for row in attempts)


def test_a_preference_set_leads_to_its_report(project: Project) -> None:
    rows = project.lake.rows(project.address("preference_set", preference_set.ALL))
    figures = set_figures(project, rows)
    assert Path(figures["report file"].value).read_text().startswith("<!doctype html>")
    assert figures["report"].value.startswith("# Preference set ")
    assert figures["report"].value.count("data:image/png;base64,") == 4
    assert sum(figures[f"pairs {mode}"] for mode in ("spatial", "temporal", "cross_frame")) == len(rows)
    assert f"| verified pairs | {len(rows)} |" in figures["funnel"].value
    assert "data:image/png;base64," in figures["retention"].value
    assert 0 < figures["slot retention"] < figures["attempt acceptance"] + 1


def test_an_empty_project_has_figures_too(bench: BenchProject) -> None:
    figures = set_figures(bench.project, [])
    assert "report" not in figures
    assert "slot retention" not in figures
    assert pair_figures(bench.project, SHARD)["verdicts"].value == "no rows"
    assert attempt_figures(bench.project, SHARD)["attempts by strategy"].value == "no rows"
