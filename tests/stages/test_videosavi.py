"""VideoSAVi on real videos: initial answer, critique, revision, and rounds that go on from the last one's model."""

import json

import pytest

from tests.stages.conftest import Bench
from videopasta_assets.engines import Request
from videopasta_assets.hashing import stable_hash
from videopasta_assets.stages.project import Project


@pytest.fixture
def savi(bench: Bench) -> Bench:
    """A critic that finds an error in every other answer; roles speak the standard style where it matters."""
    bench.edit(
        "recipe: {queries_per_video: 3, max_attempts: 2, prompts: prompts}",
        "recipe: {name: videosavi, max_attempts: 2, prompts: prompts}",
    )
    bench.edit("responder: {model: some-model, prompt_style: compact}", "responder: {model: some-model}")
    usual = bench.engine._answer

    def answer(request: Request) -> str:
        template = request.prompt.template
        if template == "videosavi/critique":
            wrong = int(stable_hash(request.prompt.text), 16) % 2 == 0
            error = {"type": "temporal ordering", "evidence": "the square moves first", "correction": "it moves"}
            return json.dumps({"has_error": wrong, "errors": [error] if wrong else []})
        if template == "videosavi/revise":
            return f"Revised answer: it moves {usual(request)}"
        return usual(request)

    bench.engine._answer = answer  # type: ignore[method-assign]
    return bench


def test_only_revised_answers_are_pairs_and_every_answer_keeps_its_verdict(savi: Bench) -> None:
    savi.run()
    initial, critiques = savi.rows("adversaries"), savi.rows("critiques")
    wrong = {row["query_id"] for row in critiques if row["has_error"]}
    assert len(initial) == len(critiques) == len(savi.rows("verdicts")) == 18
    assert 0 < len(wrong) < 18
    assert {row["query_mode"] for row in initial} == {"spatial", "temporal"}
    assert all(row["error_types"] == (["temporal_ordering"] if row["has_error"] else []) for row in critiques)
    pairs = savi.rows("verified_pairs")
    assert {row["query_id"] for row in pairs} == wrong == {row["query_id"] for row in savi.rows("aligned_responses")}
    assert all(str(row["chosen"]).startswith("it moves") and "evis" not in str(row["chosen"])[:12] for row in pairs)
    assert all(str(row["rejected"]).startswith("aligned ") for row in pairs), "rejected is the initial answer"
    unrevised = [row for row in savi.rows("verdicts") if row["query_id"] not in wrong]
    assert {row["reason"] for row in unrevised} == {"the critique found no error"}


def test_a_revision_that_speaks_of_the_critique_is_asked_again_and_else_an_error(savi: Bench) -> None:
    usual = savi.engine._answer
    asked: list[str] = []

    def leaky(request: Request) -> str:
        if request.prompt.template != "videosavi/revise":
            return usual(request)
        asked.append(request.request_id)
        first = asked.count(request.request_id) == 1
        stubborn = int(request.request_id, 16) % 2 == 0
        return "As the critique says, it moves." if first or stubborn else f"it moves {request.seed}"

    savi.engine._answer = leaky  # type: ignore[method-assign]
    savi.run()
    revisions = savi.rows("aligned_responses")
    assert len(asked) == 2 * len(revisions)
    assert {row["error"] is not None for row in revisions} == {True, False}
    assert all("speaks of the critique" in str(row["error"]) for row in revisions if row["error"])
    assert not any("critique" in str(row["chosen"]) for row in savi.rows("verified_pairs"))


def test_rounds_have_partitions_of_their_own_and_share_the_videos(savi: Bench) -> None:
    savi.run()
    first = savi.project
    second = Project(first.settings, iteration=2)
    assert second.partition("s000000") == "s000000__i2"
    assert second.address("queries", "s000000").shard == second.address("queries", "s000000__i2").shard == "s000000__i2"
    assert second.address("sampled_videos", "s000000__i2").shard == "s000000"
    assert second.address("videos", "s000000").recipe == "common"
    assert first.shards_of("queries") and not second.shards_of("queries")
    first.lake.write(second.address("queries", "s000000"), [], {})
    assert second.shards_of("queries") == ["s000000"] and "s000000__i2" not in first.shards_of("queries")
