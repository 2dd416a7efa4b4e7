import json

import pytest

from videopasta_assets.errors import UserError
from videopasta_assets.evaluation import BenchmarkItem, load_items

_ITEM = {
    "item_id": "a",
    "video": "videos/a.mp4",
    "video_id": "0" * 64,
    "mode": "spatial",
    "category": "occlusion",
    "question": "What is hidden?",
    "options": ["red", "blue", "green", "nothing"],
    "answer_index": 2,
}


def written(path, *items):
    path.write_text("".join(json.dumps(item) + "\n" for item in items))
    return path


def test_items_keep_their_order_and_blank_lines_are_skipped(tmp_path) -> None:
    path = written(tmp_path / "items.jsonl", _ITEM, _ITEM | {"item_id": "b"})
    path.write_text(path.read_text() + "\n")
    items = load_items(path)
    assert [item.item_id for item in items] == ["a", "b"]
    assert items[0] == BenchmarkItem(**(_ITEM | {"options": tuple(_ITEM["options"])}))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"question": ""}, "question must be a text"),
        ({"video": "../secret.mp4"}, "video must be a path inside"),
        ({"video": "/etc/secret.mp4"}, "video must be a path inside"),
        ({"mode": "sptial"}, "mode must be one of spatial, temporal, cross_frame"),
        ({"options": ["one"]}, "at least two"),
        ({"options": ["red", " Red", "x", "y"]}, "two options are equal"),
        ({"options": ["red", " ", "x", "y"]}, "options must be"),
        ({"answer_index": 4}, "from 0 to 3"),
        ({"answer_index": True}, "from 0 to 3"),
    ],
)
def test_a_malformed_item_is_named_by_its_line(tmp_path, change, sentence) -> None:
    path = written(tmp_path / "items.jsonl", _ITEM, _ITEM | {"item_id": "b"} | change)
    with pytest.raises(UserError, match=f"line 2.*{sentence}"):
        load_items(path)


def test_a_malformed_file(tmp_path) -> None:
    path = tmp_path / "items.jsonl"
    with pytest.raises(UserError, match="does not exist"):
        load_items(path)
    path.write_text("{\n")
    with pytest.raises(UserError, match=r"line 1.*JSON"):
        load_items(path)
    path.write_text("[]\n")
    with pytest.raises(UserError, match=r"line 1.*object"):
        load_items(path)
    path.write_text("\n")
    with pytest.raises(UserError, match="no items"):
        load_items(path)
    with pytest.raises(UserError, match="two items are named 'a'"):
        load_items(written(path, _ITEM, _ITEM))
