"""What training changed, in a checkpoint's report: counted, shown with frames, and never markup from outside."""

import re
from pathlib import Path

import pytest

from tests.browser.test_answers import put_answers
from tests.faults.kill_project import make_project, open_project
from videopasta_assets.assets.preview import report_markdown
from videopasta_assets.reports.changes import changes
from videopasta_assets.reports.document import Report, Section, render
from videopasta_assets.stages.project import Project


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    root = tmp_path_factory.mktemp("changes") / "project"
    make_project(root, videos=0)
    put_answers(open_project(root))
    return open_project(root)


def page(section: Section) -> str:
    return render(Report("Checkpoint", "", [], [section]))


def test_what_broke_and_what_was_fixed_is_counted_and_shown(project: Project) -> None:
    section = changes(project, "first")
    assert section is not None
    assert list(section.tables[0].rows) == [("held-out", 1, 2, 1, 1, 1)]
    lines = [{line.name: (line.text, line.good) for line in card.lines} for card in section.cards]
    assert [one["item"][0].split(" · ")[0] for one in lines] == ["broken", "fixed", "fixed"]
    assert lines[0]["right answer"] == ("that", None)
    assert (lines[0]["base"], lines[0]["tuned"]) == (("that", True), ("neither", False))
    assert lines[2]["base"][0].endswith("(could not be read)")
    text = page(section)
    assert len(re.findall(r'<img src="data:image/png;base64,', text)) == 3
    assert "<script" not in text
    assert "<img src=x" not in text
    markdown = report_markdown(Report("Checkpoint", "", [], [section]))
    assert "base64" not in markdown
    assert "<script" not in markdown


def test_a_video_that_is_gone_leaves_the_words(project: Project) -> None:
    moved = Path(project.settings.root) / "benchmark" / "held out 1.mp4"
    content = moved.read_bytes()
    moved.unlink()
    try:
        section = changes(project, "first")
    finally:
        moved.write_bytes(content)
    assert section is not None
    assert [card.picture is None for card in section.cards] == [True, False, True]
    assert "No picture: " in page(section)


def test_without_answers_there_is_no_section(project: Project) -> None:
    assert changes(project, "second") is None
