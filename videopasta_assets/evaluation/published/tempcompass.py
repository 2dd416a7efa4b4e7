"""TempCompass: four tasks about five temporal dimensions of short videos.

The repository's `questions/*.json` map a video to dimensions to items; the hub's Parquet files hold a row an item.
Captions are judged by whether a reader of the caption alone finds the right option of the first multiple-choice
question about the same video and dimension: the repository's `eval_captioning.py` looks it up in `multi-choice.json`,
the Parquet files carry it in each row.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from videopasta_assets.errors import UserError
from videopasta_assets.evaluation.benchmark import Benchmark
from videopasta_assets.evaluation.item import BenchmarkItem
from videopasta_assets.evaluation.published.record import (
    Record,
    place_of,
    read_json,
    read_records,
    split_question,
)

TASKS: Final = ("multi-choice", "yes_no", "caption_matching", "captioning")


def load(files: Sequence[Path], subtitles: bool) -> list[BenchmarkItem]:  # noqa: ARG001 - it has no subtitles
    """Items of all tasks that there are files of."""
    items: list[BenchmarkItem] = []
    for path in files:
        task = _task(path)
        if path.suffix != ".json":
            records = read_records(path)
        elif task == "captioning":
            records = _with_questions(path)
        else:
            records = _by_video(path)
        for number, record in enumerate(records):
            items.append(_item(record, task, f"{task}-{number}"))
    return items


def _task(path: Path) -> str:
    for name in (path.stem, path.parent.name):
        if name in TASKS:
            return name
    raise UserError(f"its task is unknown: the file or its folder must be named {', '.join(TASKS)}", where=str(path))


def _with_questions(path: Path) -> Iterator[Record]:
    beside = path.with_name("multi-choice.json")
    if not beside.is_file():
        raise UserError("the questions that captions are judged by are missing", where=str(beside))
    first: dict[tuple[str, str], Record] = {}
    for record in _by_video(beside):
        first.setdefault((record.data["video_id"], record.data["dim"]), record)
    for record in _by_video(path):
        judged_by = first.get((record.data["video_id"], record.data["dim"]))
        if judged_by is None:
            raise record.wrong("dim", f"has no question in {beside.name}")
        asked = {"mc_question": judged_by.text("question"), "mc_answer": judged_by.text("answer")}
        yield Record({**asked, **record.data}, record.where)


def _by_video(path: Path) -> Iterator[Record]:
    data = read_json(path)
    if not isinstance(data, dict):
        raise UserError("the file must map videos to their items", where=str(path))
    for video, dimensions in data.items():
        if not isinstance(dimensions, dict):
            raise UserError(f"video {video!r} must map dimensions to lists of items", where=str(path))
        for dimension, items in dimensions.items():
            for number, item in enumerate(items if isinstance(items, list) else [items], 1):
                where = f"{path}, video {video}, {dimension}, item {number}"
                if not isinstance(item, dict):
                    raise UserError("an item must be an object", where=where)
                yield Record({**item, "video_id": video, "dim": dimension}, where)


def _item(record: Record, task: str, name: str) -> BenchmarkItem:
    dimension = record.text("dim")
    item = BenchmarkItem(
        item_id=name,
        video=record.video("video_id", form="{}.mp4"),
        question=record.text("question"),
        options=("yes", "no"),
        answer_index=0,
        category=dimension,
        facets=(("task", task), ("dimension", dimension)),
    )
    if task == "yes_no":
        answer = record.text("answer").casefold()
        if answer not in item.options:
            raise record.wrong("answer", "must be yes or no")
        return replace(item, form="yes_no", answer_index=item.options.index(answer))
    question, answer = ("mc_question", "mc_answer") if task == "captioning" else ("question", "answer")
    inline = split_question(record, question)
    place = place_of(record.text(answer), inline.options)
    if place < 0:
        raise record.wrong(answer, "names none of the question's options")
    item = replace(item, question=inline.stem, options=inline.options, answer_index=place)
    if task == "captioning":
        return replace(item, form="captioned", instruction=record.text("question"))
    return replace(item, labels=inline.labels if task == "caption_matching" else ())


BENCHMARK: Final = Benchmark(
    name="tempcompass",
    title="TempCompass",
    source="https://github.com/llyx97/TempCompass or the data set lmms-eval/TempCompass of the model hub",
    layout="questions/{multi-choice,yes_no,caption_matching,captioning}.json (or the hub's Parquet folders of these "
    "names), and videos/*.mp4",
    files=(
        tuple(f"questions/{task}.json" for task in TASKS),
        tuple(f"{task}.json" for task in TASKS),
        tuple(f"{task}/*.parquet" for task in TASKS),
    ),
    load=load,
    facets=("task", "dimension"),
    forms=("choice", "yes_no", "captioned"),
)
