"""The main job on the embedded model, as `make demo` runs it but smaller: everything for real, then nothing again."""

import shutil
import time
from pathlib import Path

import pytest

from tests.e2e.conftest import Ended, Shell

pytestmark = pytest.mark.timeout(900)

VIDEOS, QUERIES, ITEMS = 3, 3, 9


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Shell, Ended]:
    """A project that ran once."""
    shell = Shell(tmp_path_factory.mktemp("demo") / "project")
    assert shell("init", shell.project, "--preset", "embedded").code == 0
    file = shell.project / "videopasta.yaml"
    small = file.read_text()
    for key, value in (("per_shard", 2), ("queries_per_video", QUERIES)):
        line = next(line for line in small.splitlines() if line.strip().startswith(f"{key}:"))
        small = small.replace(line, f"{line.split(':')[0]}: {value}")
    file.write_text(small)
    written = shell("toyworld", "--videos", VIDEOS, "--benchmark-videos", 3, "--items", ITEMS // 3)
    assert written.code == 0, written.err
    return shell, shell("run", "--json")


def lake_files(shell: Shell) -> dict[Path, int]:
    """Every Parquet table with its time of change."""
    return {path: path.stat().st_mtime_ns for path in (shell.project / "lake").rglob("*.parquet")}


def test_the_run_succeeds_and_sums_up(demo: tuple[Shell, Ended]) -> None:
    _, ran = demo
    assert ran.code == 0, ran.err
    summary = ran.json
    assert (summary["videos"], summary["unreadable"]) == (VIDEOS, 0)
    assert summary["queries"] == VIDEOS * QUERIES
    assert summary["pairs"] == sum(mode["pairs"] for mode in summary["modes"]) > 0
    assert [mode["mode"] for mode in summary["modes"]] == ["spatial", "temporal", "cross_frame"]
    assert all(mode["pairs"] <= min(mode["slots"], mode["attempts"]) for mode in summary["modes"])
    assert sum(mode["slots"] for mode in summary["modes"]) == VIDEOS * QUERIES * 3, "videos x queries x adversaries"
    (checkpoint,) = summary["checkpoints"]
    assert checkpoint["pairs"] == summary["pairs"]
    assert 0 <= checkpoint["reward_accuracy"] <= 1
    overall = next(score for score in summary["scores"] if score["mode"] == "all")
    assert overall["items"] == ITEMS
    assert overall["difference"] == pytest.approx(overall["tuned_accuracy"] - overall["base_accuracy"])
    assert overall["difference_low"] <= overall["difference"] <= overall["difference_high"]


def test_the_adapter_is_safetensors_with_a_card_that_names_the_set(demo: tuple[Shell, Ended]) -> None:
    shell, ran = demo
    (checkpoint,) = ran.json["checkpoints"]
    adapter = shell.project / "lake" / checkpoint["adapter"]
    assert (adapter / "adapter_model.safetensors").is_file()
    assert not list(adapter.rglob("*.bin"))
    assert checkpoint["preference_set"] in (adapter / "README.md").read_text()


def test_a_second_run_does_nothing_and_is_quick(demo: tuple[Shell, Ended]) -> None:
    shell, ran = demo
    before = lake_files(shell)
    started = time.monotonic()
    again = shell("run", "--json")
    assert time.monotonic() - started < 30
    assert again.code == 0, again.err
    assert again.json["steps"] == 0
    assert again.json["scores"] == ran.json["scores"]
    assert again.err == ""
    assert lake_files(shell) == before


def test_people_get_tables(demo: tuple[Shell, Ended]) -> None:
    shell, _ = demo
    printed = shell("run").out
    for words in ("verified pairs", "slot retention", "reward accuracy", "before", "after", "videopasta ui", "lake"):
        assert words in printed
    assert "Nothing to do" in shell("plan").out
    assert "verified_pairs" in shell("status").out


def test_pairs_keep_the_rules_of_the_recipe(demo: tuple[Shell, Ended]) -> None:
    shell, ran = demo
    pairs = shell("sql", "SELECT * FROM verified_pairs", "--json").json
    assert len(pairs) == len({pair["pair_id"] for pair in pairs}) == ran.json["pairs"]
    assert all(pair["chosen"] != pair["rejected"] and pair["verdict"] == "accepted" for pair in pairs)
    assert all(len(pair["dense_frames"]) > len(pair["sparse_frames"]) for pair in pairs)


def test_the_questions_have_answers(demo: tuple[Shell, Ended]) -> None:
    shell, ran = demo
    rows = shell("sql", "SELECT * FROM retention_by_mode", "--json").json
    assert {row["adv_mode"] for row in rows} == {"spatial", "temporal", "cross_frame"}
    assert sum(row["accepted"] for row in rows) == ran.json["pairs"]


def test_a_broken_video_among_good_ones_costs_one_row_and_no_training(
    demo: tuple[Shell, Ended], tmp_path: Path
) -> None:
    done, ran = demo
    shell = Shell(tmp_path / "project")
    shutil.copytree(done.project, shell.project)
    (shell.project / "videos" / "broken.mp4").write_bytes(b"\x00\x00\x00\x18ftypmp42 and then nothing")
    again = shell("run", "--json")
    assert again.code == 0, again.err
    assert (again.json["videos"], again.json["unreadable"]) == (VIDEOS + 1, 1)
    assert again.json["checkpoints"] == ran.json["checkpoints"], "the same pairs need no second training"
    (error,) = shell("sql", "SELECT path, error FROM sampled_videos WHERE error IS NOT NULL", "--json").json
    assert error["path"] == "broken.mp4"
    retried = shell("run", "--retry-failed", "--no-train", "--json")
    assert retried.code == 0, retried.err
    assert retried.json["unreadable"] == 1
