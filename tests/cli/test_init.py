"""`videopasta init` writes a whole project and never overwrites one."""

from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Invoke
from videopasta_assets.config import load_project


@pytest.mark.parametrize("preset", ["embedded", "videopasta-7b"])
def test_a_project_that_loads(invoke: Invoke, tmp_path: Path, preset: str) -> None:
    assert invoke("init", tmp_path / "a" / "b", "--preset", preset).code == 0
    settings = load_project(tmp_path / "a" / "b")
    assert settings.path(settings.videos.folder).is_dir()
    dagster = yaml.safe_load((tmp_path / "a" / "b" / ".dagster" / "dagster.yaml").read_text())
    assert dagster["telemetry"] == {"enabled": False}


def test_never_overwrites(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("mine")
    (tmp_path / "videos").mkdir()
    assert invoke("init", tmp_path).code == 0
    (tmp_path / "videopasta.yaml").write_text("seed: 99")
    again = invoke("init", tmp_path)
    assert again.code == 2
    assert "a project is here already" in again.err
    assert (tmp_path / "videopasta.yaml").read_text() == "seed: 99"
    assert (tmp_path / ".gitignore").read_text() == "mine"


def test_a_file_in_the_way_is_one_sentence(invoke: Invoke, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = invoke("init", tmp_path / "file" / "p")
    assert done.code == 2
    assert "cannot write a project (Not a directory)" in done.err


def test_an_unknown_preset_writes_nothing(invoke: Invoke, tmp_path: Path) -> None:
    done = invoke("init", tmp_path / "p", "--preset", "large")
    assert done.code == 2
    assert "embedded, videopasta-7b" in done.err
    assert not (tmp_path / "p").exists()
