"""What the web interface shows: text of models stays text, pictures are pictures."""

import base64
from pathlib import Path

from videopasta_assets.assets.preview import markdown_picture, markdown_table, report_link

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


def test_a_report_is_a_link_and_a_path(tmp_path: Path) -> None:
    metadata = report_link(tmp_path / "a report.html")
    assert metadata["report"].value == f"file://{tmp_path}/a%20report.html"
    assert metadata["report file"].value == f"{tmp_path}/a report.html"
    assert report_link(None) == {}
