"""TPO on real videos: localized and comprehensive pairs, by what is seen."""

import json

from tests.stages.conftest import Bench


def test_what_is_seen_decides_which_answer_is_preferred(bench: Bench) -> None:
    bench.edit(
        "recipe: {queries_per_video: 3, max_attempts: 2, prompts: prompts}",
        "recipe: {name: tpo, queries_per_video: 4, prompts: prompts}",
    )
    bench.run()
    pairs = bench.rows("verified_pairs")
    assert len(pairs) == 12
    strategies = [row["adv_strategy"] for row in pairs]
    assert strategies.count("without_segment") == strategies.count("sparse") == 6
    dense = {row["video_id"]: row["dense_frames"] for row in bench.rows("sampled_videos")}
    seen = {
        (request.prompt.template.split("/")[0], request.request_id): set(request.clip.plan.indices)
        for request in bench.engine.requests
        if request.clip is not None
    }
    answers = {row["query_id"]: row["row_key"] for row in bench.rows("aligned_responses")}
    for row in bench.rows("adversaries"):
        rejected = seen["aligned", str(row["row_key"])]
        chosen = seen["aligned", str(answers[row["query_id"]])]
        assert sorted(rejected) == json.loads(str(row["perturbation"]))["frames"]
        if row["adv_strategy"] == "without_segment":
            assert chosen.isdisjoint(rejected) and sorted(chosen | rejected) == dense[row["video_id"]]
            assert seen["query", str(row["query_id"])] == chosen, "the question is about the segment"
        else:
            assert sorted(chosen) == dense[row["video_id"]] and len(rejected) < len(chosen)
    assert all(row["dense_frames"] == dense[row["video_id"]] for row in pairs), "training shows the whole video"
