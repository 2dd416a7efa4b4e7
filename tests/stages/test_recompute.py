"""What a change makes again, and what it leaves alone: counted in engine calls, and in bytes and times of files."""

from collections import Counter
from pathlib import Path

from tests.fakes.counting_engine import OneEngine
from tests.stages.conftest import Bench
from videopasta_assets.lake.shards import list_shards
from videopasta_assets.stages import (
    adversaries,
    aligned_checks,
    aligned_responses,
    benchmark_scores,
    lora_checkpoint,
    pipeline,
    preference_set,
    queries,
)

VIDEOS, QUERIES, SLOTS = 3, 3, 3
EDITED = "adversary/spatial/equidistant"


def edit_template(bench: Bench, name: str, *, remark: bool = False) -> None:
    path = bench.root / "prompts" / f"{name}.j2"
    path.write_text(f"{{# a remark #}}{path.read_text()}" if remark else f"{path.read_text()} (edited)")


def files(bench: Bench) -> dict[Path, tuple[bytes, int]]:
    """Every file of the lake's tables, with its bytes and its time of change."""
    return {
        path: (path.read_bytes(), path.stat().st_mtime_ns)
        for path in (bench.project.lake.root / "tables").rglob("*.parquet")
    }


def by_key(rows: list[dict[str, object]]) -> dict[object, dict[str, object]]:
    return {row["row_key"]: row for row in rows}


def test_an_adversarial_template_makes_its_mode_and_strategy_again_and_what_hangs_on_it(bench: Bench) -> None:
    bench.engine.accept = lambda text: True
    bench.run()
    before = {table: by_key(bench.rows(table)) for table in ("adversaries", "verdicts", "verified_pairs")}
    own = {key for key, row in before["adversaries"].items() if f"adversary/{_strategy(row)}" == EDITED}
    assert 0 < len(own) < len(before["adversaries"])
    bench.engine.forget()
    edit_template(bench, EDITED)
    bench.run()
    assert bench.engine.calls == {"adversary": len(own), "verify": len(own)}
    assert {request.request_id for request in bench.engine.requests} == own
    for table, held in before.items():
        after = by_key(bench.rows(table))
        assert {key for key in after if after[key] != held.get(key)} == own, table


def test_an_adversarial_template_that_gives_the_same_answers_stops_there(bench: Bench) -> None:
    bench.run()
    held = files(bench)
    own = [row for row in bench.rows("adversaries") if f"adversary/{_strategy(row)}" == EDITED]
    bench.engine.forget()
    edit_template(bench, EDITED, remark=True)
    bench.run()
    assert bench.engine.calls == {"adversary": len(own)}
    changed = {path.parts[-4] for path, was in held.items() if files(bench)[path] != was}
    assert changed <= {"adversaries", "verdicts"}


def test_ten_new_videos_leave_the_files_of_old_shards_as_they_are(bench: Bench) -> None:
    bench.run()
    held = files(bench)
    bench.engine.forget()
    bench.add_videos(*range(10, 20))
    bench.run()
    assert bench.engine.calls["query"] == bench.engine.calls["aligned"] == 10 * QUERIES
    assert {path: now for path, now in files(bench).items() if path in held} == held
    assert len(list_shards(bench.project.lake)) == 2 + 5


def test_a_removed_video_takes_its_pairs_from_the_next_set_and_asks_nothing(bench: Bench) -> None:
    bench.run()
    preference_set.run(bench.project)
    first = preference_set.current(bench.project)
    assert first is not None
    bench.engine.forget()
    (bench.root / "videos" / "video 1.mp4").unlink()
    bench.run()
    preference_set.run(bench.project)
    second = preference_set.current(bench.project)
    assert second is not None
    gone = {row["video_id"] for row in bench.rows("videos") if not row["present"]}
    assert bench.engine.requests == []
    assert len(gone) == 1 and second.hash != first.hash
    assert {row["pair_id"] for row in second.members} == {
        row["pair_id"] for row in first.members if row["video_id"] not in gone
    }
    manifests = bench.project.lake.root / "preference_sets" / "videopasta"
    assert {path.stem for path in manifests.iterdir()} == {first.hash, second.hash}


def test_another_verifier_judges_again_and_generates_nothing_that_it_accepts_alike(bench: Bench) -> None:
    bench.run()
    attempts = len(bench.rows("adversaries"))
    bench.engine.forget()
    other_model(bench, "verifier")
    bench.run()
    assert bench.engine.calls == {"verify": attempts}


def test_another_responder_answers_again_and_asks_no_question_again(bench: Bench) -> None:
    bench.run()
    bench.engine.forget()
    other_model(bench, "responder")
    bench.run()
    attempts = Counter(row["attempt"] for row in bench.rows("adversaries"))
    assert attempts[1] == VIDEOS * QUERIES * SLOTS
    # The engine's answers hang on the prompt alone: they are the same, so that nothing is judged again.
    assert bench.engine.calls == {"aligned": VIDEOS * QUERIES, "adversary": attempts.total()}


def test_denser_sampling_asks_questions_and_answers_again_but_no_adversary_of_the_same_question(bench: Bench) -> None:
    bench.run()
    sparse = {row["video_id"]: row["sparse_plan"] for row in bench.rows("sampled_videos")}
    bench.engine.forget()
    bench.edit("dense: {value: 8}", "dense: {value: 9}")
    bench.run()
    assert bench.engine.calls["query"] == bench.engine.calls["aligned"] == VIDEOS * QUERIES
    assert {row["video_id"]: row["sparse_plan"] for row in bench.rows("sampled_videos")} == sparse
    bench.engine.forget()
    bench.edit("sparse: {value: 2}", "sparse: {value: 3}")
    bench.run()
    attempts = len(bench.rows("adversaries"))
    # Questions hang on the dense frames alone, but on the sampled video's version: equal questions end that.
    assert bench.engine.calls["aligned"] == 0
    assert bench.engine.calls["adversary"] == attempts


def test_a_smaller_frame_size_asks_all_that_sees_frames_again_and_judges_nothing(bench: Bench) -> None:
    bench.run()
    attempts = len(bench.rows("adversaries"))
    frames = [row["provenance"] for row in bench.rows("sampled_videos")]
    bench.engine.forget()
    bench.edit("frames: {", "frames: {max_side: 32, ")
    bench.run()
    # The engine's answers hang on the prompt alone: they are the same, so that nothing is judged again.
    asked = {"query": VIDEOS * QUERIES, "aligned": VIDEOS * QUERIES, "adversary": attempts}
    assert bench.engine.calls == asked
    assert [row["provenance"] for row in bench.rows("sampled_videos")] == frames
    bench.engine.forget()
    bench.edit("frames: {max_side: 32, ", "frames: {")
    bench.run()
    assert bench.engine.calls == asked


def test_how_frames_are_shown_is_part_of_every_specification_that_shows_some(bench: Bench) -> None:
    bench.edit("roles:\n", "evaluation: {benchmarks: [{name: b, items: b.jsonl}]}\nroles:\n")
    name = bench.project.settings.experiments[0].name

    def specs() -> list[dict[str, str]]:
        project = bench.project
        shown = [stage.spec(project) for stage in (queries, aligned_responses, aligned_checks, adversaries)]
        return [*shown, lora_checkpoint.spec(project, name), benchmark_scores.spec(project, "b")]

    before = specs()
    bench.edit("frames: {", "frames: {max_side: 32, ")
    assert all(old != new for old, new in zip(before, specs(), strict=True))
    bench.edit("frames: {max_side: 32, ", "frames: {")
    bench.edit("videos: {", "videos: {decoder: pyav, ")
    assert specs() == before
    bench.edit("decoder: pyav", "decoder: decord")
    assert all(old != new for old, new in zip(before, specs(), strict=True))


def test_a_current_shard_is_reused_whole_and_not_written(bench: Bench) -> None:
    bench.run()
    held = files(bench)
    outcomes = pipeline.run_shard(bench.project, "s000000", OneEngine(bench.engine))
    assert files(bench) == held
    assert all(outcome.computed == outcome.dropped == 0 for outcome in outcomes.values())
    assert all(outcome.reused == outcome.manifest.rows for outcome in outcomes.values())


def other_model(bench: Bench, role: str) -> None:
    """Give one role a model of other weights."""
    folder = bench.root / "other-model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"other weights that no test loads")
    bench.edit(f"{role}: {{model: some-model", f"{role}: {{model: other-model")


def _strategy(row: dict[str, object]) -> str:
    return f"{row['adv_mode']}/{row['adv_strategy']}"
