"""What is recomputed, counted in engine calls."""

from collections import Counter

import pytest

from tests.fakes.counting_engine import CountingEngine, Killed, OneEngine
from tests.stages.conftest import Bench
from videopasta_assets.lake.shards import list_shards
from videopasta_assets.stages import landing, pipeline, preference_set
from videopasta_assets.taxonomy import VerdictStatus

VIDEOS, QUERIES, SLOTS = 3, 3, 3


def test_the_first_run_computes_every_row_once(bench: Bench) -> None:
    bench.run()
    assert bench.engine.calls["query"] == VIDEOS * QUERIES
    assert bench.engine.calls["aligned"] == VIDEOS * QUERIES
    adversaries = bench.rows("adversaries")
    assert bench.engine.calls["adversary"] == len(adversaries)
    assert Counter(row["attempt"] for row in adversaries)[1] == VIDEOS * QUERIES * SLOTS
    assert len({request.request_id for request in bench.engine.requests if request.clip}) == sum(
        request.clip is not None for request in bench.engine.requests
    )


def test_a_second_run_asks_nothing_and_changes_no_version(bench: Bench) -> None:
    first = bench.run()
    bench.engine.forget()
    second = bench.run()
    assert bench.engine.requests == []
    for shard, outcomes in second.items():
        for table, outcome in outcomes.items():
            assert outcome.computed == 0, (shard, table)
            assert outcome.manifest.data_version == first[shard][table].manifest.data_version


def test_every_attempt_keeps_its_verdict_and_slots_close_on_acceptance(bench: Bench) -> None:
    bench.run()
    verdicts = {(row["query_id"], row["slot"], row["attempt"]): row["verdict"] for row in bench.rows("verdicts")}
    attempts = {(row["query_id"], row["slot"], row["attempt"]) for row in bench.rows("adversaries")}
    assert set(verdicts) == attempts
    for query, slot, attempt in attempts:
        if attempt == 2:
            assert verdicts[query, slot, 1] != VerdictStatus.ACCEPTED
    accepted = {key for key, verdict in verdicts.items() if verdict == VerdictStatus.ACCEPTED}
    assert len({(query, slot) for query, slot, _ in accepted}) == len(accepted) == len(bench.rows("verified_pairs"))


def test_adversaries_use_the_strategies_that_are_named_and_others_are_made_anew(bench: Bench) -> None:
    bench.run()
    before = {row["adversary_id"]: row for row in bench.rows("adversaries")}
    named = ("mirrored_relation", "reordered", "nothing_changed")
    bench.edit("max_attempts: 2", f"max_attempts: 2, strategies: [{', '.join(named)}]")
    bench.engine.forget()
    bench.run()
    after = {row["adversary_id"]: row for row in bench.rows("adversaries")}
    assert {row["adv_strategy"] for row in after.values()} == set(named)
    kept = {key for key, row in before.items() if row["adv_strategy"] in named and row["attempt"] == 1}
    assert bench.engine.calls["query"] == bench.engine.calls["aligned"] == 0
    assert all(after[key]["provenance"] == before[key]["provenance"] for key in kept)
    first = [row for row in after.values() if row["attempt"] == 1]
    assert bench.engine.calls["adversary"] >= len(first) - len(kept)


def test_editing_one_template_recomputes_only_its_mode_and_strategy(bench: Bench) -> None:
    bench.run()
    bench.engine.forget()
    path = bench.root / "prompts" / "adversary" / "spatial" / "equidistant.j2"
    path.write_text(path.read_text() + " (edited)")
    bench.run()
    assert bench.engine.calls["query"] == bench.engine.calls["aligned"] == 0
    # A slot of another strategy is asked only where it is the next attempt after a changed verdict.
    changed = {
        (request.prompt.template, request.request_id)
        for request in bench.engine.requests
        if request.prompt.template.startswith("adversary/")
    }
    edited = {row["adversary_id"]: row for row in bench.rows("adversaries")}
    for template, key in changed:
        assert template.startswith("adversary/spatial/")
        assert template == "adversary/spatial/equidistant" or edited[key]["attempt"] == 2
    assert 0 < bench.engine.calls["verify"] <= len(changed)


def test_a_template_edit_that_changes_no_text_stops_there(bench: Bench) -> None:
    bench.run()
    pairs = bench.rows("verified_pairs")
    bench.engine.forget()
    for path in (bench.root / "prompts" / "query").glob("*.j2"):
        path.write_text("{# a remark #}" + path.read_text())
    bench.run()
    assert bench.engine.calls == {"query": VIDEOS * QUERIES}
    assert bench.rows("verified_pairs") == pairs


def test_new_videos_leave_old_shards_untouched(bench: Bench) -> None:
    bench.run()
    lake = bench.project.lake
    before = {
        path: path.read_bytes()
        for shard in list_shards(lake)
        for path in (lake.root / "tables").glob(f"*/*/shard={shard}/*.parquet")
    }
    bench.engine.forget()
    bench.add_videos(4, 5)
    bench.run()
    assert bench.engine.calls["query"] == 2 * QUERIES
    assert len(list_shards(lake)) == 3
    changed = [path for path, content in before.items() if _rows_differ(path.read_bytes(), content)]
    assert changed == []


def _rows_differ(first: bytes, second: bytes) -> bool:
    import io

    import pyarrow.parquet as pq

    return not pq.read_table(io.BytesIO(first)).equals(pq.read_table(io.BytesIO(second)))


def test_a_removed_video_is_a_tombstone_and_its_pairs_are_retracted(bench: Bench) -> None:
    bench.run()
    preference_set.run(bench.project)
    bench.engine.forget()
    gone = bench.root / "videos" / "video 1.mp4"
    gone.unlink()
    bench.run()
    assert bench.engine.requests == []
    tombstones = [row for row in bench.rows("videos") if not row["present"]]
    assert [row["path"] for row in tombstones] == ["video 1.mp4"]
    assert tombstones[0]["video_id"] not in {row["video_id"] for row in bench.rows("verified_pairs")}
    preference_set.run(bench.project)
    assert tombstones[0]["video_id"] not in {row["video_id"] for row in bench.rows("preference_set")}
    assert len(bench.rows("preference_set")) == len(bench.rows("verified_pairs")) > 0


def test_a_moved_or_copied_video_is_linked_not_recomputed(bench: Bench) -> None:
    bench.run()
    pairs = len(bench.rows("verified_pairs"))
    bench.engine.forget()
    folder = bench.root / "videos"
    (folder / "video 1.mp4").rename(folder / "moved, 'quoted' \N{SNOWMAN}.mp4")
    (folder / "copy.mp4").write_bytes((folder / "video 2.mp4").read_bytes())
    bench.run()
    assert bench.engine.requests == []
    assert all(row["present"] for row in bench.rows("videos"))
    assert len(bench.rows("verified_pairs")) == pairs


def test_a_failed_row_keeps_its_reason_and_waits_for_retry(bench: Bench) -> None:
    bench.engine.fault = lambda request: "time-out" if request.prompt.template.startswith("aligned") else None
    bench.run()
    assert {row["error"] for row in bench.rows("aligned_responses")} == {"time-out"}
    assert bench.rows("adversaries") == []
    bench.engine.fault = lambda request: None
    bench.engine.forget()
    bench.run()
    assert bench.engine.requests == []
    bench.run(retry_failed=True)
    assert bench.engine.calls["aligned"] == VIDEOS * QUERIES
    assert bench.engine.calls["query"] == 0
    assert bench.rows("verified_pairs")


@pytest.mark.parametrize("survived", [1, 7, 20, 40])
def test_a_killed_run_resumes_from_what_it_had_finished(bench: Bench, survived: int) -> None:
    reference = CountingEngine()
    project = bench.project
    landing.land(project)

    def kill(request: object) -> None:
        if len(bench.engine.requests) > survived:
            raise Killed

    bench.engine.fault = kill
    with pytest.raises(Killed):
        for shard in list_shards(project.lake):
            pipeline.run_shard(project, shard, OneEngine(bench.engine))
    finished = len(bench.engine.requests) - 1
    bench.engine.fault = lambda request: None
    bench.run()
    total = len(bench.engine.requests) - 1

    whole = Bench(bench.root, reference)
    for path in (bench.root / "lake" / "tables").rglob("*.parquet"):
        path.rename(path.with_suffix(".kept"))
    whole.run()
    assert finished >= survived
    assert total == len(reference.requests)  # nothing was asked twice, nothing was left out
    for path in (bench.root / "lake" / "tables").rglob("*.kept"):
        fresh = path.with_suffix(".parquet")
        assert _versions(fresh) == _versions(path)


def _versions(path: object) -> list[tuple[str, str]]:
    import pyarrow.parquet as pq

    table = pq.ParquetFile(path).read()
    return list(zip(table["row_key"].to_pylist(), table["data_version"].to_pylist(), strict=True))


def test_a_broken_video_among_good_ones_is_a_row_with_a_reason(bench: Bench) -> None:
    (bench.root / "videos" / "broken.mp4").write_bytes(b"this is no video at all" * 100)
    bench.run()
    broken = [row for row in bench.rows("sampled_videos") if row["error"]]
    assert [row["path"] for row in broken] == ["broken.mp4"]
    assert bench.engine.calls["query"] == VIDEOS * QUERIES


def test_no_adversarial_instruction_reaches_a_pair(bench: Bench) -> None:
    bench.run()
    for pair in bench.rows("verified_pairs"):
        assert pair["query"].startswith("what happens to")
        assert pair["chosen"].startswith("aligned") and pair["rejected"].startswith("adversary")
        assert len(pair["dense_frames"]) == 8 and len(pair["sparse_frames"]) == 2


def test_only_responses_that_pass_their_check_get_adversaries(bench: Bench) -> None:
    bench.edit("max_attempts: 2", "max_attempts: 2, aligned_check: {method: self_consistency, samples: 2}")
    bench.run()  # the counting engine's answer depends on the seed: no sample repeats the response
    checks = bench.rows("aligned_checks")
    assert len(checks) == VIDEOS * QUERIES and not any(row["passed"] for row in checks)
    assert bench.rows("adversaries") == [] == bench.rows("verified_pairs")
    bench.engine.forget()
    bench.edit("method: self_consistency, samples: 2", "method: text")
    bench.run()
    assert bench.engine.calls["aligned"] == 0
    assert bench.rows("verified_pairs")


def test_samples_are_spread_over_frame_plans(bench: Bench) -> None:
    bench.edit(
        "max_attempts: 2", "max_attempts: 2, aligned_check: {method: self_consistency, samples: 4, frame_plans: 2}"
    )
    bench.run()
    seen: dict[str, list[tuple[int, ...]]] = {}
    for request in sorted(bench.engine.requests, key=lambda request: request.request_id):
        if request.prompt.template.startswith("aligned/") and "." in request.request_id and request.clip:
            seen.setdefault(request.request_id.split(".")[0], []).append(request.clip.plan.indices)
    dense = {tuple(row["dense_frames"]) for row in bench.rows("sampled_videos")}  # type: ignore[arg-type]
    assert len(seen) == VIDEOS * QUERIES
    for plans in seen.values():
        assert len(plans) == 4 and len(set(plans)) == 2 and plans[0] in dense and plans[1] not in dense


def test_a_checker_that_sees_decides_which_responses_go_on(bench: Bench) -> None:
    bench.edit("max_attempts: 2", "max_attempts: 2, aligned_check: {method: video}")
    bench.edit("  verifier:", "  judge: {model: some-model, prompt_style: compact}\n  verifier:")
    bench.engine.truth = lambda text: int(text[-1], 16) % 2 == 0
    bench.run()
    passed = {row["query_id"] for row in bench.rows("aligned_checks") if row["passed"]}
    assert 0 < len(passed) < VIDEOS * QUERIES
    assert {row["query_id"] for row in bench.rows("adversaries")} == passed
    bench.engine.forget()
    bench.run()
    assert bench.engine.requests == []
