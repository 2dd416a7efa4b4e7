"""One item schema for every benchmark, and its own JSONL form."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, Final, Literal, get_args

from videopasta_assets.errors import UserError
from videopasta_assets.taxonomy import MODES

PLAIN: Final = "question"
KINDS: Final = (
    PLAIN,
    *(f"{kind}{ending}" for kind in ("unanswerable", "none_of_the_above") for ending in ("", "_control")),
)
"""Kinds of items. VideoPASTA (table 6) asks for refusals; a `_control` looks alike, and refusing it is wrong."""

Form = Literal["choice", "yes_no", "captioned", "open"]
"""How an item is asked and read: lettered options; yes or no; a caption that a judge answers from; free text."""

_TEXTS: Final = ("item_id", "video", "question")
_OPTIONAL_TEXTS: Final = ("video_id", "category", "group", "subtitles", "reference")


@dataclass(frozen=True)
class BenchmarkItem:
    """A question about a video, with what makes its answer right.

    Attributes:
        item_id: unique in its benchmark.
        video: path of the video, relative to the folder of the benchmark's videos.
        question: the stem.
        options: texts without letters; none with form `open`.
        answer_index: the right option, from 0; -1 with form `open`.
        video_id: SHA-256 of the video's bytes, where the benchmark states it.
        mode: failure mode that the item probes, where the benchmark knows modes.
        category: category of the item.
        kind: `question`, or what else is asked: `unanswerable`, `none_of_the_above`, or the control of either.
        form: how it is asked and how the reply is read.
        labels: names that the published question gives its options ("Option 1"), which a reply may use.
        group: items that are scored together share it (Vinoground's pair); empty for none.
        facets: (name, value) pairs that scores are broken down by: task, duration, dimension, ...
        segment: (start, end) in seconds, where the question is about a part of the video.
        subtitles: what is said in the video, as the question shows it.
        instruction: with form `captioned`, what the model is asked to write.
        reference: with form `open`, the right answer.
        flaw: why it cannot be scored; such an item is counted, listed and left out.
    """

    item_id: str
    video: str
    question: str
    options: tuple[str, ...]
    answer_index: int
    video_id: str = ""
    mode: str = ""
    category: str = ""
    kind: str = PLAIN
    form: Form = "choice"
    labels: tuple[str, ...] = ()
    group: str = ""
    facets: tuple[tuple[str, str], ...] = ()
    segment: tuple[float, float] | None = None
    subtitles: str = ""
    instruction: str = ""
    reference: str = ""
    flaw: str = ""

    def facet(self, name: str) -> str:
        """The item's value of a facet; empty where it has none."""
        return dict(self.facets).get(name, "")


def load_items(path: Path) -> list[BenchmarkItem]:
    """Items of a JSONL file in our own form, in its order.

    Raises:
        UserError: no such file, or a malformed line, named by its number.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (FileNotFoundError, IsADirectoryError) as error:
        raise UserError(
            "the benchmark's file does not exist",
            where=str(path),
            fix="Correct evaluation.benchmarks in videopasta.yaml.",
        ) from error
    items = [_item(line, f"{path}, line {number}") for number, line in enumerate(lines, 1) if line.strip()]
    if not items:
        raise UserError("the benchmark has no items", where=str(path))
    check_names(items, str(path))
    return items


def check_names(items: list[BenchmarkItem], where: str) -> None:
    """Refuse two items of one name.

    Raises:
        UserError: there are two.
    """
    seen: set[str] = set()
    for item in items:
        if item.item_id in seen:
            raise UserError(f"two items are named {item.item_id!r}", where=where)
        seen.add(item.item_id)


def check_video(video: str, where: str, field: str = "video") -> str:
    """`video` if it stays inside the folder of the benchmark's videos.

    Raises:
        UserError: it is absolute or leads out.
    """
    path = PurePosixPath(video)
    if path.is_absolute() or ".." in path.parts or "\0" in video:
        raise UserError(f"{field} must be a path inside the folder of the benchmark's file", where=where)
    return video


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
    for name in _OPTIONAL_TEXTS:
        if not isinstance(data.get(name, ""), str):
            raise UserError(f"{name} must be a text", where=where)
    for name, allowed in (("mode", ("", *MODES)), ("kind", KINDS), ("form", get_args(Form))):
        if data.get(name, allowed[0]) not in allowed:
            raise UserError(f"{name} must be one of {', '.join(value for value in allowed if value)}", where=where)
    check_video(data["video"], where)
    texts = {name: data.get(name, "") for name in (*_TEXTS, *_OPTIONAL_TEXTS)}
    form: Form = data.get("form", "choice")
    options, answer = _options(data, form, where)
    return BenchmarkItem(
        **texts,
        options=options,
        answer_index=answer,
        mode=data.get("mode", ""),
        kind=data.get("kind", PLAIN),
        form=form,
        facets=_facets(data.get("facets", {}), where),
    )


def _options(data: Mapping[str, Any], form: Form, where: str) -> tuple[tuple[str, ...], int]:
    if form == "open":
        if not _is_text(data.get("reference")):
            raise UserError("reference must be a text: an open question has no options", where=where)
        return (), -1
    options, answer = data.get("options"), data.get("answer_index")
    if not isinstance(options, list) or len(options) < 2 or not all(_is_text(text) for text in options):
        raise UserError("options must be a list of at least two texts", where=where)
    if len({text.casefold().strip() for text in options}) != len(options):
        raise UserError("two options are equal", where=where)
    if not isinstance(answer, int) or isinstance(answer, bool) or not 0 <= answer < len(options):
        raise UserError(f"answer_index must be from 0 to {len(options) - 1}", where=where)
    return tuple(options), answer


def _facets(data: Any, where: str) -> tuple[tuple[str, str], ...]:
    if not isinstance(data, dict) or not all(isinstance(value, str) for value in data.values()):
        raise UserError("facets must be an object of texts", where=where)
    return tuple(sorted(data.items()))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())
