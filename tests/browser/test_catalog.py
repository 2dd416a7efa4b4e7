"""The catalog holds what the lake holds, and says how much of it."""

from pathlib import Path

from tests.browser.conftest import HOSTILE, HOSTILE_NAME
from tests.fakes.bench_project import BenchProject
from videopasta_assets.browser.catalog import DEFAULT, Selection, load_catalog
from videopasta_assets.lake.shards import list_shards
from videopasta_assets.stages.human_verdicts import Decision, Opinion, record
from videopasta_assets.stages.project import Project


def rows(project: Project, table: str) -> list[dict]:
    return [row for shard in list_shards(project.lake) for row in project.lake.rows(project.address(table, shard))]


def test_every_attempt_with_its_verdict_and_its_place(project: Project) -> None:
    catalog = load_catalog(project, DEFAULT)
    verdicts = {row["adversary_id"]: row for row in rows(project, "verdicts")}
    pairs = {row["pair_id"] for row in rows(project, "verified_pairs")}
    assert {attempt["id"] for attempt in catalog.attempts} == {row["row_key"] for row in rows(project, "adversaries")}
    assert catalog.attempts_in_lake == len(catalog.attempts)
    for attempt in catalog.attempts:
        assert attempt["verdict"] == verdicts[attempt["id"]]["verdict"]
        assert attempt["paired"] == (attempt["id"] in pairs)
        assert (attempt["preference_set"] is not None) == attempt["paired"]
        assert HOSTILE in attempt["text"]
        query = catalog.queries[attempt["query"]]
        assert query["chosen"].startswith("aligned")
        assert catalog.videos[query["video"]]["dense"]["frames"] == 8
    assert HOSTILE_NAME in {video["path"] for video in catalog.videos}
    assert not any(attempt["seen_by_oracle"] for attempt in catalog.attempts)


def test_a_draw_keeps_whole_slots_and_is_the_same_every_time(project: Project) -> None:
    few, again, more = (load_catalog(project, Selection(slots=count)) for count in (5, 5, 6))
    assert few.attempts == again.attempts
    slots = {(attempt["query"], attempt["slot"]) for attempt in few.attempts}
    assert len(slots) == 5
    assert few.attempts_in_lake > len(few.attempts)
    assert {attempt["id"] for attempt in few.attempts} < {attempt["id"] for attempt in more.attempts}
    assert few.slots_in_lake == 27


def test_pairs_only(project: Project) -> None:
    catalog = load_catalog(project, Selection(pairs_only=True))
    accepted = [attempt for attempt in catalog.attempts if attempt["paired"]]
    assert len(accepted) == len(rows(project, "verified_pairs"))
    assert {(row["query"], row["slot"]) for row in accepted} == {
        (row["query"], row["slot"]) for row in catalog.attempts
    }


def test_opinions_come_in_their_order(bench: BenchProject) -> None:
    project = bench.project
    attempt = load_catalog(project, DEFAULT).attempts[0]
    query = load_catalog(project, DEFAULT).queries[attempt["query"]]
    for decision, comment in ((Decision.REJECTED, HOSTILE), (Decision.WITHDRAWN, "")):
        said = Opinion(attempt["id"], decision, "Ada", comment, (query["version"], attempt["version"]))
        record(project, attempt["shard"], said)
    now = next(row for row in load_catalog(project, DEFAULT).attempts if row["id"] == attempt["id"])
    assert [opinion["decision"] for opinion in now["opinions"]] == ["rejected", "withdrawn"]
    assert now["opinions"][0]["comment"] == HOSTILE.strip()


def test_an_empty_lake_is_an_empty_catalog(tmp_path: Path) -> None:
    catalog = load_catalog(BenchProject.make(tmp_path, videos=0).project, DEFAULT)
    assert (catalog.attempts, catalog.queries, catalog.videos, catalog.attempts_in_lake) == ((), (), (), 0)
