import json

import pytest

from tests.training.tiny_model import make_pairs
from videopasta_assets.errors import UserError
from videopasta_assets.training.job import load_job
from videopasta_assets.training.pairs import write_pairs
from videopasta_assets.training.run import main


@pytest.fixture
def project(tmp_path, tiny_dir):
    write_pairs(make_pairs(tmp_path / "videos", videos=1, per_video=3), tmp_path / "pairs.jsonl")
    (tmp_path / "tiny").symlink_to(tiny_dir)
    settings = {
        "pairs": "pairs.jsonl",
        "model": "tiny",
        "output": "run",
        "videos": ["videos"],
        "training": {"max_steps": 1, "device": "cpu"},
    }
    (tmp_path / "config.json").write_text(json.dumps(settings))
    return tmp_path


def test_it_trains_without_dagster(project, capsys) -> None:
    assert main([str(project / "config.json")]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["steps"] == 1
    assert (project / "run/adapter/adapter_model.safetensors").is_file()


def test_a_later_job_goes_on_from_an_adapter_and_finds_features_and_reference(project, capsys) -> None:
    config = project / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"features": "cache"}))
    assert main([str(config)]) == 0
    stored = {path: path.stat().st_mtime_ns for path in project.glob("cache/*/*.safetensors")}
    assert len(stored) == 2  # one clip, one reference
    config.write_text(json.dumps(json.loads(config.read_text()) | {"output": "next", "start": "run/adapter"}))
    assert main([str(config)]) == 0
    assert len(list(project.glob("cache/*/*.safetensors"))) == 3  # the reference is another, the clip is not
    config.write_text(json.dumps(json.loads(config.read_text()) | {"output": "none", "start": "nowhere"}))
    assert main([str(config)]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_wrong_use_is_one_sentence(project, capsys) -> None:
    assert main([]) == 2
    (project / "bad.json").write_text('{"pairs": "x", "model": "m", "output": "o", "videos": [], "lr": 1}')
    assert main([str(project / "bad.json")]) == 2
    (project / "pairs.jsonl").unlink()
    assert main([str(project / "config.json")]) == 2
    errors = capsys.readouterr().err
    assert "lr: Extra inputs" in errors
    assert "no such preference manifest" in errors
    assert "Traceback" not in errors


def test_a_lost_video_is_failed_work(project, capsys) -> None:
    next((project / "videos").glob("*.mp4")).unlink()
    assert main([str(project / "config.json")]) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_its_limits_are_kept(project, capsys) -> None:
    config = project / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"max_bytes": 100}))
    assert main([str(config)]) == 1
    assert "too big" in capsys.readouterr().err


@pytest.mark.parametrize(("text", "sentence"), [("{", "not JSON"), ("{}", "pairs: Field required")])
def test_broken_configuration(tmp_path, text, sentence) -> None:
    path = tmp_path / "config.json"
    with pytest.raises(UserError, match="cannot read"):
        load_job(path)
    path.write_text(text)
    with pytest.raises(UserError, match=sentence):
        load_job(path)
