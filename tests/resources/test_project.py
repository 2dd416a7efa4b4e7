"""Finding the project that a process works on."""

from pathlib import Path

import pytest
import yaml

import resources
from resources.project import find_project
from tests.fakes.bench_project import BenchProject
from videopasta_assets.errors import UserError


@pytest.mark.parametrize("name", ["", "videopasta.yaml"])
def test_the_variable_names_a_folder_or_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    BenchProject.make(tmp_path, videos=0)
    monkeypatch.setenv("VIDEOPASTA_PROJECT", str(tmp_path / name))
    assert find_project().settings.root == tmp_path


def test_without_the_variable_it_is_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VIDEOPASTA_PROJECT", raising=False)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="no project file here"):
        find_project()
    BenchProject.make(tmp_path, videos=0)
    assert find_project().settings.root == tmp_path


def test_dagsters_settings_are_valid_yaml_and_ask_for_a_queue() -> None:
    text = (Path(resources.__file__).parent / "dagster_home.yaml").read_text()
    settings = yaml.safe_load(text)
    assert settings["concurrency"]["runs"]["max_concurrent_runs"] == 1
    assert settings["telemetry"]["enabled"] is False
