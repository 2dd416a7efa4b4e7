"""LLaVA-Hound-DPO on real videos: the best and the worst of several samples, by their scores."""

import json

import pytest

from tests.stages.conftest import Bench
from videopasta_assets.engines import Request
from videopasta_assets.recipes.answer_score import parse_score


def test_the_best_and_the_worst_sample_are_a_pair_and_ties_are_none(bench: Bench) -> None:
    bench.edit(
        "recipe: {queries_per_video: 3, max_attempts: 2, prompts: prompts}",
        "recipe: {name: hound_dpo, queries_per_video: 2, queries_by_mode: {spatial: 2}, prompts: prompts}",
    )
    bench.edit(
        "verifier: {model: some-model, prompt_style: compact}",
        "verifier: {model: some-model, prompt_style: compact}\n  judge: {model: some-model, prompt_style: standard}",
    )
    usual = bench.engine._answer
    videos: list[str] = []

    def answer(request: Request) -> str:
        if request.prompt.template != "hound_dpo/score":
            return usual(request)
        assert request.clip is None and "Description: caption" in request.prompt.text
        said = request.prompt.text.rpartition("Answer: ")[2]
        question = request.prompt.text.partition("Question: ")[2].partition("\n")[0]
        if question not in videos:
            videos.append(question)
        tie = videos.index(question) == 0
        return json.dumps({"score": 3 if tie else 1 + int(said[-2:], 16) % 5, "reason": "by rule"})

    bench.engine._answer = answer  # type: ignore[method-assign]
    bench.run()
    candidates, pairs = bench.rows("candidates"), bench.rows("verified_pairs")
    assert len(candidates) == 6 * 4 and bench.engine.calls["caption"] == 3
    scores: dict[object, dict[object, int]] = {}
    for row in candidates:
        scores.setdefault(row["query_id"], {})[row["response"]] = int(str(row["score"]))
    assert 0 < len(pairs) < 6
    for pair in pairs:
        mine = scores[pair["query_id"]]
        assert mine[pair["chosen"]] == max(mine.values()) > mine[pair["rejected"]] == min(mine.values())
    reasons = [str(row["reason"]) for row in bench.rows("verdicts") if row["verdict"] != "accepted"]
    assert any(reason == "all candidates have the score 3" for reason in reasons)
    bench.engine.forget()
    bench.run()
    assert not bench.engine.requests


@pytest.mark.parametrize(
    ("reply", "style", "score"),
    [
        ('{"score": 4, "reason": "x"}', "standard", 4),
        ('{"score": "2"}', "standard", 2),
        ('{"score": 4.5}', "standard", None),
        ('{"score": 9}', "standard", None),
        ("good", "standard", None),
        ("A cup is left of it. It leaves at 6 s. It is night.", "compact", 5),
        ("A cup is left of it. It leaves at 9 s. It is day.", "compact", 2),
        ("No.", "compact", 1),
        (" ", "compact", None),
    ],
)
def test_scores_are_whole_numbers_from_one_to_five(reply: str, style: str, score: int | None) -> None:
    answer = "A cup is left of it. It leaves at 5 s. It is night."
    assert parse_score(reply, style, answer) == score
