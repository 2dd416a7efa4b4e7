import json
from pathlib import Path

import pytest

from videopasta_assets.cli.main import command_line


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        command_line(["ablate", *arguments])
    return int(ended.value.code or 0)


def test_the_list_names_ablations_and_analyses(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("list", "--json") == 0
    found = {entry["name"]: entry["kind"] for entry in json.loads(capsys.readouterr().out)}
    assert found["single-mode"] == "ablation"
    assert found["information-gain"] == "analysis"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("nothing",), "no ablation or analysis is named 'nothing'"),
        (("model-sizes",), "the embedded default has one size"),
        (("mine", "--grid", "nowhere.yaml"), "there is no such grid"),
        (("single-mode", "--project", "nowhere"), "nowhere"),
    ],
)
def test_a_mistake_is_one_sentence(
    arguments: tuple[str, ...], sentence: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run(*arguments) == 2
    said = capsys.readouterr().err
    assert sentence in said
    assert "Traceback" not in said
