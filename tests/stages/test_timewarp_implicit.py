"""TimeWarp-Implicit on real videos: chosen from clean frames, rejected from a prompt or from corrupted frames."""

import json

import numpy as np

from tests.stages.conftest import Bench
from videopasta_assets.recipes.perturbation import PROMPTS
from videopasta_assets.video.clip import load_frames


def switched(bench: Bench, more: str = "") -> Bench:
    """The same project with one line of its file changed."""
    bench.edit(
        "recipe: {queries_per_video: 3, max_attempts: 2, prompts: prompts}",
        f"recipe: {{name: timewarp_implicit, prompts: prompts{more}}}",
    )
    return bench


def test_a_shard_gives_one_pair_a_question_whose_training_prompt_is_the_question(bench: Bench) -> None:
    switched(bench, ", queries_per_video: 4, queries_by_mode: {temporal: 4}").run()
    pairs, rejected = bench.rows("verified_pairs"), bench.rows("adversaries")
    assert len(pairs) == len(rejected) == 12
    assert {row["query_mode"] for row in pairs} == {row["adv_mode"] for row in pairs} == {"temporal"}
    assert all(row["sparse_frames"] == row["dense_frames"] for row in pairs), "rejected answers see the dense frames"
    assert all("aligned" in str(row["chosen"]) for row in pairs)
    by_kind = [json.loads(str(row["perturbation"]))["kind"] for row in rejected]
    assert {"prompt"} < set(by_kind) <= {"prompt", "resize", "colour"}
    for row, kind in zip(rejected, by_kind, strict=True):
        assert (row["adv_strategy"] in PROMPTS) == (kind == "prompt")
        assert (json.loads(str(row["perturbation"]))["frames"] is None) == (kind == "prompt")


def test_corrupted_frames_leave_the_clean_ones_alone(bench: Bench) -> None:
    switched(bench, ", queries_per_video: 4, queries_by_mode: {temporal: 4}").run()
    asked = [request for request in bench.engine.requests if request.clip is not None]
    corrupted = [request for request in asked if request.clip is not None and request.clip.corruption is not None]
    assert corrupted
    reader = bench.project.reader
    for request in corrupted:
        assert request.clip is not None and request.prompt.template == "aligned/temporal"
        clean = next(
            other.clip
            for other in asked
            if other.clip and other.clip.video_id == request.clip.video_id and other.clip.corruption is None
        )
        before = load_frames(clean, reader)
        worse = load_frames(request.clip, reader)
        assert worse.shape == before.shape and not np.array_equal(worse, before)
        assert np.array_equal(load_frames(clean, reader), before)
        assert clean.key != request.clip.key


def test_rows_are_computed_once_and_draws_follow_the_seed(bench: Bench) -> None:
    switched(bench).run()
    first = {row["row_key"]: row["perturbation"] for row in bench.rows("adversaries")}
    bench.engine.forget()
    bench.run()
    assert not bench.engine.requests
    bench.edit("videos: {", "seed: 5\nvideos: {")
    bench.run()
    assert {row["row_key"]: row["perturbation"] for row in bench.rows("adversaries")} != first


def test_descriptions_are_drawn_without_a_model(bench: Bench) -> None:
    switched(
        bench, ", queries_per_video: 2, queries_by_mode: {temporal: 2}, timewarp_implicit: {questions: descriptions}"
    )
    bench.run()
    questions = bench.rows("queries")
    assert len(questions) == 6 and "query" not in bench.engine.calls
    assert all(row["query_category"] == "description" for row in questions)
    assert len({(row["video_id"], row["query"]) for row in questions}) == 6
    assert len(bench.rows("verified_pairs")) == 6


def test_answers_in_the_same_words_are_no_pair_and_keep_their_reason(bench: Bench) -> None:
    switched(bench, ", timewarp_implicit: {prompt_share: 1}")
    for name in PROMPTS:
        path = bench.root / "prompts" / "timewarp_implicit" / "rejected" / f"{name}.j2"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("aligned/temporal: {{ query }}")
    answer = bench.engine._answer
    bench.engine._answer = lambda request: (  # type: ignore[method-assign]
        "the same" if request.prompt.template.startswith(("aligned", "timewarp")) else answer(request)
    )
    bench.run()
    assert not bench.rows("verified_pairs")
    verdicts = bench.rows("verdicts")
    assert len(verdicts) == 3 and {row["verdict"] for row in verdicts} == {"rejected_similar"}
    assert all(row["reason"] for row in verdicts)
