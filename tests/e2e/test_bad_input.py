"""Wrong input is one clear sentence and a non-zero exit; what was made earlier stays."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.conftest import Shell
from tests.fakes.tiny_videos import write_video


def change(shell: Shell, old: str, new: str) -> None:
    file = shell.project / "videopasta.yaml"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def test_no_videos(shell: Shell) -> None:
    assert "no videos here. Put files that match" in shell.mistake("run")


def test_a_video_folder_that_cannot_be_read(shell: Shell, obeying_permissions: list[str]) -> None:
    folder = shell.project / "videos"
    folder.chmod(0)
    try:
        assert "no permission to read this folder" in shell.mistake("run", prefix=obeying_permissions)
    finally:
        folder.chmod(0o755)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seed: 7", "sed: 7", "unknown key 'sed'. Did you mean 'seed'?"),
        ("seed: 7", "seed: many", "seed: input should be a valid integer"),
        ("seed: 7", "seed: [7", "this is no valid YAML"),
        ("  query_writer:", "\tquery_writer:", "this is no valid YAML"),
    ],
)
def test_mistakes_in_the_project_file(shell: Shell, old: str, new: str, said: str) -> None:
    change(shell, old, new)
    sentence = shell.mistake("run")
    assert said in sentence
    assert "videopasta.yaml" in sentence


def test_a_model_path_that_does_not_exist(shell: Shell) -> None:
    write_video(shell.project / "videos" / "a.mp4", 1)
    change(shell, "model: embedded", "model: ./models/mine")
    assert "no such model folder" in shell.mistake("run")
    assert "no such model folder" in shell.mistake("plan")


def test_a_file_where_the_lake_should_be(shell: Shell) -> None:
    write_video(shell.project / "videos" / "a.mp4", 1)
    (shell.project / "lake").write_text("in the way")
    assert "a file of that name is in the way" in shell.mistake("run", code=1)


def test_a_lake_that_may_not_be_written(shell: Shell, obeying_permissions: list[str]) -> None:
    write_video(shell.project / "videos" / "a.mp4", 1)
    assert shell("status").code == 0
    lake = shell.project / "lake"
    lake.chmod(0o555)
    try:
        assert "no permission to write there" in shell.mistake("run", code=1, prefix=obeying_permissions)
    finally:
        lake.chmod(0o755)


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 512 kB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip("a small file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
def test_a_full_disk_keeps_what_is_there(shell: Shell, tiny_disk: Path) -> None:
    write_video(shell.project / "videos" / "a.mp4", 1)
    change(shell, "#lake: lake", f"lake: {tiny_disk}")
    made = shell("run", "--select", "videos,sampled_videos", "--json")
    assert made.code == 0, made.err
    before = {path: path.read_bytes() for path in tiny_disk.rglob("*.parquet")}
    filler = tiny_disk / "filler"
    try:
        with filler.open("wb", buffering=0) as file:
            while True:
                file.write(b"\0" * 4096)
    except OSError:
        pass
    write_video(shell.project / "videos" / "b.mp4", 2)
    assert "the disk is full" in shell.mistake("run", "--no-train", code=1)
    assert {path: path.read_bytes() for path in before} == before
    filler.unlink()
    again = shell("run", "--select", "videos,sampled_videos", "--json")
    assert again.code == 0, again.err
    assert again.json["videos"] == 2


def test_a_hub_that_cannot_be_reached(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_HUB_OFFLINE", "0")
    write_video(shell.project / "videos" / "a.mp4", 1)
    change(shell, "model: embedded", "model: Qwen/no-such-model")
    assert "neither a folder nor a model that the hub gives us" in shell.mistake("run")
