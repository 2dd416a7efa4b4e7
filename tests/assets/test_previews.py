"""What the web interface shows: text of models stays text, pictures are pictures."""

import base64
from pathlib import Path

from videopasta_assets.assets.preview import markdown_picture, markdown_table, report_markdown, report_metadata
from videopasta_assets.reports import figures
from videopasta_assets.reports.document import Page, Plot, Report, Section, Table

PNG = b"\x89PNG"


def test_a_hostile_text_stays_text() -> None:
    table = markdown_table([{"query": "<script>alert(1)</script>|x\n![a](http://b) `c`", "n": 0.5, "none": None}])
    assert table.count("\n") == 2
    assert "<script" not in table
    assert "\\|x" in table
    assert "![" not in table
    assert "| 0.5 |  |" in table


def test_long_texts_are_cut_and_no_rows_say_so() -> None:
    assert len(markdown_table([{"text": "word " * 500}])) < 250
    assert markdown_table([]) == "no rows"


def test_a_picture_carries_its_data() -> None:
    text = markdown_picture(PNG, "a](evil)")
    assert base64.b64encode(PNG).decode() in text
    assert text.startswith("![a\\](evil)](data:image/png;base64,")


HOSTILE = "<script>alert(1)</script> | ![a](http://b) `c`\n# d"


def test_a_report_is_text_and_pictures_and_a_path(tmp_path: Path) -> None:
    table = Table(("mode", "share"), [("spatial", 0.5), ("paper", None)], frozenset({1}))
    plot = Plot(figures.funnel([("videos", 3)]), "the funnel")
    report = Report("Set 1", "3 pairs.", [("hash", "abc")], [Section("Retention", ("A note.",), plot, (table,))])
    metadata = report_metadata(Page(report, tmp_path / "a report.html"))
    text = metadata["report"].value
    assert [line for line in text.splitlines() if not line.startswith("![")] == [
        "# Set 1", "", "3 pairs.", "", "|  |  |", "| --- | --- |", "| hash | abc |", "",
        "## Retention", "", "A note.", "", "",
        "| mode | share |", "| --- | --- |", "| spatial | 0.5 |", "| *paper* | *-* |",
    ]  # fmt: skip
    assert "![the funnel](data:image/png;base64," in text
    assert metadata["report file"].value == f"{tmp_path}/a report.html"
    assert report_metadata(None) == {}


def test_a_reports_texts_are_no_markdown() -> None:
    table = Table((HOSTILE,), [(HOSTILE,)])
    text = report_markdown(
        Report(HOSTILE, HOSTILE, [(HOSTILE, HOSTILE)], [Section(HOSTILE, (HOSTILE,), None, (table,))])
    )
    assert "<script" not in text
    assert "![" not in text
    assert text.count("\n# ") == 0
    assert len([line for line in text.splitlines() if line.startswith("| ")]) == 6
