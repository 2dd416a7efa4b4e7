"""Uploading: said first, done only with leave and a token."""

from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Invoke, invoke
from tests.fakes.bench_project import BenchProject
from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.exports import export_pairs
from videopasta_assets.exports.push import plan_upload, push

__all__ = ["invoke"]


class RecordingApi:
    """Stands for the hub: remembers what it was asked."""

    def __init__(self, refusal: Exception | None = None) -> None:
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.refusal = refusal

    def create_repo(self, repository: str, **options: Any) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.calls.append(("create", {"repository": repository, **options}))

    def upload_folder(self, **options: Any) -> str:
        self.calls.append(("upload", options))
        return "https://hub/commit"


def test_exactly_the_files_that_were_named_are_uploaded(bench: BenchProject, tmp_path: Path) -> None:
    made = export_pairs(bench.project, "hf", tmp_path / "out")
    upload = plan_upload(made, "someone/pairs")
    (made.folder / "diary.txt").write_text("came later")
    api = RecordingApi()
    assert push(upload, api) == "https://hub/commit"  # type: ignore[arg-type]
    (_, created), (_, sent) = api.calls
    assert (created["private"], created["repo_type"]) == (True, "dataset")
    assert set(sent["allow_patterns"]) == set(made.files)
    assert upload.bytes == sum((made.folder / file).stat().st_size for file in made.files)


def test_what_cannot_be_uploaded_is_refused_before(bench: BenchProject, tmp_path: Path) -> None:
    linked = export_pairs(bench.project, "trl", tmp_path / "out", videos="link")
    with pytest.raises(UserError, match="--videos copy"):
        plan_upload(linked, "someone/pairs")
    with pytest.raises(UserError, match="names no repository"):
        plan_upload(linked, "a/b/c")


def test_a_refusal_is_one_sentence(bench: BenchProject, tmp_path: Path) -> None:
    upload = plan_upload(export_pairs(bench.project, "hf", tmp_path / "out"), "someone/pairs")
    with pytest.raises(VideoPastaError, match="the hub did not take someone/pairs: no route"):
        push(upload, RecordingApi(OSError("no route\nto host")))  # type: ignore[arg-type]


def test_the_command_says_it_first_and_needs_a_token(
    bench: BenchProject, tmp_path: Path, invoke: Invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.get_token", lambda: None)
    asked = ["export", "-p", bench.root, "--out", tmp_path / "out", "--push", "someone/pairs"]
    dry = invoke(*asked, "--dry-run")
    assert (dry.code, "rows in" in dry.out, "README.md" in dry.out) == (0, True, True)
    assert "someone/pairs (private unless it exists)" in dry.err
    assert "Upload them?" not in dry.err
    without = invoke(*asked, "--yes")
    assert (without.code, "Set HF_TOKEN" in without.err) == (2, True)
    assert invoke("export", "-p", bench.root, "--yes").code == 2
    assert invoke("export", "-p", bench.root, "--format", "word").code == 2
