"""One item schema for every multiple-choice benchmark, read from JSONL."""

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final

from videopasta_assets.errors import UserError
from videopasta_assets.taxonomy import MODES

PLAIN: Final = "question"
KINDS: Final = (
    PLAIN,
    *(f"{kind}{ending}" for kind in ("unanswerable", "none_of_the_above") for ending in ("", "_control")),
)
"""Kinds of items. VideoPASTA (table 6) asks for refusals; a `_control` looks alike, and refusing it is wrong."""

_TEXTS: Final = ("item_id", "video", "video_id", "mode", "category", "question")


@dataclass(frozen=True)
class BenchmarkItem:
    """A question with options, exactly one of them right.

    Attributes:
        item_id: unique in its benchmark.
        video: path of the video, relative to the folder of the benchmark's file.
        video_id: SHA-256 of the video's bytes.
        mode: failure mode that the item probes.
        category: category within the mode.
        question: the stem.
        options: texts without letters, distinct.
        answer_index: the right option, from 0.
        kind: `question`, or what else is asked: `unanswerable`, `none_of_the_above`, or the control of either.
    """

    item_id: str
    video: str
    video_id: str
    mode: str
    category: str
    question: str
    options: tuple[str, ...]
    answer_index: int
    kind: str = PLAIN


def load_items(path: Path) -> list[BenchmarkItem]:
    """Items in the order of the file.

    Raises:
        UserError: no such file, or a malformed line, named by its number.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError as error:
        raise UserError(
            "the benchmark's file does not exist",
            where=str(path),
            fix="Correct evaluation.benchmarks in videopasta.yaml.",
        ) from error
    items = [_item(line, f"{path}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]
    if not items:
        raise UserError("the benchmark has no items", where=str(path))
    seen: set[str] = set()
    for item in items:
        if item.item_id in seen:
            raise UserError(f"two items are named {item.item_id!r}", where=str(path))
        seen.add(item.item_id)
    return items


def _item(line: str, where: str) -> BenchmarkItem:
    try:
        data: Any = json.loads(line)
    except json.JSONDecodeError as error:
        raise UserError(f"no valid JSON ({error.msg})", where=where) from error
    if not isinstance(data, dict):
        raise UserError("an item must be an object", where=where)
    for name in _TEXTS:
        if not _is_text(data.get(name)):
            raise UserError(f"{name} must be a text", where=where)
    if data["mode"] not in MODES:
        raise UserError(f"mode must be one of {', '.join(MODES)}", where=where)
    if data.get("kind", PLAIN) not in KINDS:
        raise UserError(f"kind must be one of {', '.join(KINDS)}", where=where)
    video = PurePosixPath(data["video"])
    if video.is_absolute() or ".." in video.parts:
        raise UserError("video must be a path inside the folder of the benchmark's file", where=where)
    options, answer = data.get("options"), data.get("answer_index")
    if not isinstance(options, list) or len(options) < 2 or not all(_is_text(text) for text in options):
        raise UserError("options must be a list of at least two texts", where=where)
    if len({text.casefold().strip() for text in options}) != len(options):
        raise UserError("two options are equal", where=where)
    if not isinstance(answer, int) or isinstance(answer, bool) or not 0 <= answer < len(options):
        raise UserError(f"answer_index must be from 0 to {len(options) - 1}", where=where)
    texts = {name: data[name] for name in _TEXTS}
    return BenchmarkItem(**texts, options=tuple(options), answer_index=answer, kind=data.get("kind", PLAIN))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
