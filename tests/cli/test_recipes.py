"""Commands of recipes: import, compare and timewar say what is wrong before they do anything."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke
from tests.fakes.tiny_videos import write_video


@pytest.fixture
def project(tmp_path: Path, invoke: Invoke) -> Path:
    invoke("init", tmp_path / "p")
    write_video(tmp_path / "p" / "videos" / "one.mp4", 1, frames=8)
    return tmp_path / "p"


def pair(video: str) -> str:
    return json.dumps({"video": video, "prompt": "What?", "chosen": "yes", "rejected": "no"})


def test_import_counts_and_puts_aside(invoke: Invoke, project: Path) -> None:
    file = project / "set.jsonl"
    file.write_text("\n".join([pair("one"), pair("two"), "{"]))
    done = invoke("import", file, "--as", "theirs", "-p", project)
    assert done.code == 0 and "1 pairs kept" in done.out and "recipe: theirs" in done.out
    assert "line 2: no video of the folder is named 'two'" in done.out and "line 3: no valid JSON" in done.out
    quarantined = (project / "preferences" / "theirs.quarantine.jsonl").read_text().splitlines()
    assert [json.loads(line)["line"] for line in quarantined] == [2, 3]


def test_a_byte_astray_costs_its_line_alone(invoke: Invoke, project: Path) -> None:
    file = project / "set.jsonl"
    file.write_bytes(pair("one").encode() + b"\n\n{\xe9}\n")
    done = invoke("import", file, "--as", "theirs", "-p", project)
    assert done.code == 0 and "line 3: it is not UTF-8" in done.out
    aside = (project / "preferences" / "theirs.quarantine.jsonl").read_text().splitlines()
    assert json.loads(aside[-1])["text"] == "{\udce9}", "the bytes can be had back"


def test_a_role_on_a_server_names_its_model(invoke: Invoke, project: Path) -> None:
    file = project / "videopasta.yaml"
    file.write_text("roles: {verifier: {engine: openai, server: {base_url: 'http://127.0.0.1:9/v1'}}}\n")
    done = invoke("plan", "-p", project)
    assert done.code == 2 and "roles.verifier: engine openai needs a model: give model: NAME" in done.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--as", "videosavi"), "makes its own pairs"),
        (("--as", "Their Set"), "cannot name a recipe"),
        (("--as", "theirs", "--mode", "sideways"), "no failure mode 'sideways'"),
    ],
)
def test_import_refuses_names_and_modes(
    invoke: Invoke, project: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    file = project / "set.jsonl"
    file.write_text(pair("one"))
    done = invoke("import", file, *arguments, "-p", project)
    assert done.code == 2 and sentence in done.err


def test_compare_names_what_is_not_there(invoke: Invoke, project: Path) -> None:
    done = invoke("compare", "-p", project, "--recipes", "videopasta,nonsense")
    assert done.code == 2 and "no recipe is named 'nonsense'" in done.err
    twice = invoke("compare", "-p", project, "--recipes", "tpo,tpo")
    assert twice.code == 2 and "named twice" in twice.err
    odd = invoke("compare", "-p", project, "--recipes", "No Recipe")
    assert odd.code == 2 and "names no recipe" in odd.err
    shown = invoke("compare", "-p", project, "--show", "--json").json
    usual = ["videopasta", "sft", "kto", "timewarp_explicit", "timewarp_implicit", "videosavi"]
    assert shown == {"pairs": dict.fromkeys(usual, 0), "scores": []}


def test_timewar_needs_held_out_videos(invoke: Invoke, project: Path) -> None:
    done = invoke("timewar", "-p", project)
    assert done.code == 2 and "no video is held out" in done.err
