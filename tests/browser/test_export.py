"""A static page holds everything that it shows, or says where its pictures are."""

import json
import re
from pathlib import Path

import pytest

from tests.fakes.bench_project import BenchProject
from videopasta_assets.browser.catalog import Selection
from videopasta_assets.browser.export import export
from videopasta_assets.stages.project import Project


def data_of(page: Path) -> dict:
    found = re.search(r'id="data">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_small_lakes_fit_into_one_file(project: Project, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    done = export(project, tmp_path / "pairs.html", progress=lambda *counts: told.append(counts))
    data = data_of(done.page)
    assert data["live"] is None
    assert all(
        video[role]["src"].startswith("data:image/jpeg") for video in data["videos"] for role in ("dense", "sparse")
    )
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert (done.attempts, done.videos, done.lost, done.strips) == (len(data["attempts"]), 3, 0, None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pairs.html"]


def test_many_strips_are_files_beside_the_page(project: Project, tmp_path: Path) -> None:
    done = export(project, tmp_path / "pairs.html", strips="files")
    data = data_of(done.page)
    sources = {video[role]["src"] for video in data["videos"] for role in ("dense", "sparse")}
    assert len(sources) == 6
    assert all((tmp_path / source).read_bytes().startswith(b"\xff\xd8") for source in sources)


def test_strips_may_be_left_out(project: Project, tmp_path: Path) -> None:
    done = export(project, tmp_path / "pairs.html", Selection(slots=2), strips="none")
    assert all("src" not in video["dense"] for video in data_of(done.page)["videos"])
    assert done.attempts < done.attempts_in_lake


def test_a_lost_video_is_told(bench: BenchProject, tmp_path: Path) -> None:
    for path in (bench.root / "videos").iterdir():
        path.unlink()
    done = export(bench.project, tmp_path / "pairs.html")
    assert done.lost == 6
    assert all(video["dense"]["lost"] for video in data_of(done.page)["videos"])


def test_the_command_writes_the_page(bench: BenchProject, tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from videopasta_assets.cli.main import app

    options = ["--export", str(tmp_path / "pairs.html"), "--pairs-only", "--slots", "3", "--json"]
    done = CliRunner().invoke(app, ["browse", "--project", str(bench.root), *options])
    assert done.exit_code == 0
    told = json.loads(done.stdout)
    data = data_of(tmp_path / "pairs.html")
    assert told["attempts"] == len(data["attempts"]) < told["attempts_in_lake"] == data["attempts_in_lake"]
    assert len({(row["query"], row["slot"]) for row in data["attempts"]}) == 3


@pytest.mark.parametrize("name", ["pairs.txt", "pairs"])
def test_the_command_wants_a_page(name: str, bench: BenchProject) -> None:
    from typer.testing import CliRunner

    from videopasta_assets.cli.main import app
    from videopasta_assets.errors import UserError

    done = CliRunner().invoke(app, ["browse", "--project", str(bench.root), "--export", name])
    assert isinstance(done.exception, UserError)
