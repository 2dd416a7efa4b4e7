"""What the web interface shows: text of models stays text, pictures are pictures."""

import base64
from pathlib import Path

from videopasta_assets.assets.preview import markdown_picture, markdown_table
from videopasta_assets.assets.training_plot import read_log, training_plot

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


def test_a_log_becomes_curves(tmp_path: Path) -> None:
    log = tmp_path / "training_log.jsonl"
    log.write_text(
        '{"step": 1, "rewards/accuracies/spatial": 0.5, "rewards/margins/spatial": 0.0}\n'
        '{"step": 2, "rewards/accuracies/spatial": 0.9, "rewards/margins/spatial": 0.4}\n{"step": 3, "rew'
    )
    steps = read_log(log)
    assert [step["step"] for step in steps] == [1, 2]
    assert training_plot(steps).startswith(PNG)
    assert read_log(tmp_path / "absent.jsonl") == []
