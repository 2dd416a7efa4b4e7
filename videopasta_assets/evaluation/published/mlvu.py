"""MLVU, multiple choice: long videos, the mean of the task types' accuracies."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from videopasta_assets.evaluation.benchmark import Benchmark, Metric
from videopasta_assets.evaluation.item import BenchmarkItem
from videopasta_assets.evaluation.published.record import Record, place_of, read_records, split_question

_TASKS: Final = (
    "1_plotQA",
    "2_needle",
    "3_ego",
    "4_count",
    "5_order",
    "6_anomaly_reco",
    "7_topic_reasoning",
)
"""The development set's seven tasks with options; the other two are summaries."""


def load(files: Sequence[Path], subtitles: bool) -> list[BenchmarkItem]:  # noqa: ARG001 - it has no subtitles
    """Items of the tasks' JSON files, or of the hub's Parquet files."""
    items = []
    for path in files:
        folder = path.stem if path.stem in _TASKS else ""
        for number, record in enumerate(read_records(path)):
            question, options = _question(record)
            answer = place_of(record.raw("answer"), options)
            task = folder.partition("_")[2] or record.text("task_type", "question_type")
            items.append(
                BenchmarkItem(
                    item_id=f"{task}-{number}" if folder else f"{path.stem}-{number}",
                    video=record.video("video", "video_name", form=f"{folder}/{{}}" if folder else "{}"),
                    question=question,
                    options=options,
                    answer_index=max(answer, 0),
                    category=task,
                    facets=(("task", task),),
                    flaw=_flaw(record, answer),
                )
            )
    return items


def _question(record: Record) -> tuple[str, tuple[str, ...]]:
    """The stem and the options: a list beside it in the JSON files; lmms-eval shows the Parquet's question as it is, so
    that its options may stand in it alone.
    """
    if record.data.get("candidates") is None:
        inline = split_question(record, "question")
        return inline.stem, inline.options
    return record.raw("question").partition("\n(A)")[0].strip(), record.texts("candidates")


def _flaw(record: Record, answer: int) -> str:
    """What the published development set has: two answers that are no option, two that are empty, one empty item."""
    for field in ("question", "answer"):
        if not record.raw(field).strip():
            return f"its published {field} is empty"
    return "" if answer >= 0 else "its published answer is none of its options"


BENCHMARK: Final = Benchmark(
    name="mlvu",
    title="MLVU",
    source="the data set MLVU/MVLU of the model hub (development set; sy1998/MLVU_dev has it as Parquet)",
    layout="MLVU/json/1_plotQA.json to 7_topic_reasoning.json and MLVU/video/1_plotQA/*.mp4 to 7_topic_reasoning/*.mp4 "
    "(or the Parquet files and their videos)",
    files=(
        *(tuple(f"{folder}{task}.json" for task in _TASKS) for folder in ("MLVU/json/", "json/", "data/", "")),
        ("**/*.parquet",),
    ),
    load=load,
    metric=Metric("mean accuracy of the tasks", macro_over="task"),
    facets=("task",),
    video_folders=("MLVU/video", "video", "videos", "data"),
)
