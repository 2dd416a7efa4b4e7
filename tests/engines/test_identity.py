"""Identities of models and adapters."""

import os
import shutil
from pathlib import Path

import pytest

from videopasta_assets.engines import identity
from videopasta_assets.engines.identity import adapter_identity, model_identity
from videopasta_assets.errors import UserError


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tiny-vl").mkdir()
    (tmp_path / "tiny-vl" / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "tiny-vl" / "config.json").write_text("{}")
    return tmp_path / "tiny-vl"


def test_it_is_the_folders_name_and_a_hash_of_what_is_loaded(folder: Path) -> None:
    before = model_identity(folder)
    assert before.startswith("tiny-vl@")
    (folder / "training.log").write_text("not loaded")
    assert model_identity(folder) == before
    (folder / "config.json").write_text('{"a": 1}')
    assert model_identity(folder) != before


def test_a_copy_elsewhere_is_the_same_model(folder: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(folder, tmp_path / "elsewhere" / "tiny-vl")
    assert model_identity(copy) == model_identity(str(folder))


def test_a_folder_called_model_goes_by_its_parent(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "embedded").mkdir()
    assert model_identity(folder.rename(tmp_path / "embedded" / "model")).startswith("embedded@")


def test_unchanged_files_are_not_read_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = model_identity(folder)

    def no_reading(*_: object) -> None:
        raise AssertionError("the file was read again")

    monkeypatch.setattr(identity.hashlib, "file_digest", no_reading)
    assert model_identity(folder) == before
    weights = folder / "model.safetensors"
    os.utime(weights, ns=(0, weights.stat().st_mtime_ns + 1))
    with pytest.raises(AssertionError, match="read again"):
        model_identity(folder)


def test_a_cache_that_cannot_be_kept_costs_time_only(folder: Path, own_cache: Path) -> None:
    before = model_identity(folder)
    (own_cache / "videopasta-assets" / "file-digests.json").write_text("no json")
    assert model_identity(folder) == before
    shutil.rmtree(own_cache)
    own_cache.write_text("a file in the way")
    assert model_identity(folder) == before


def test_a_full_commit_needs_no_hub() -> None:
    assert model_identity("maker/model-7b", "0123456789abcdef" * 2 + "01234567").endswith("01234567")


def test_mistakes_are_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"no \*\.safetensors"):
        model_identity(tmp_path)
    with pytest.raises(UserError, match="no such model folder"):
        model_identity(tmp_path / "absent")
    with pytest.raises(UserError, match=r"adapter_config\.json"):
        adapter_identity(tmp_path)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="neither a folder nor a model that the hub gives"):
        model_identity("nobody/nothing-at-all")
