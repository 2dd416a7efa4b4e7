"""MSRVTT-QA, test split: short answers in words of one's own.

TimeWarp lets a language model judge them; without a judge, an answer is right when the reference's words are in it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from videopasta_assets.evaluation.benchmark import Benchmark
from videopasta_assets.evaluation.item import BenchmarkItem
from videopasta_assets.evaluation.published.record import read_records


def load(files: Sequence[Path], subtitles: bool) -> list[BenchmarkItem]:  # noqa: ARG001 - it has no subtitles
    """Items of `test_qa.json`."""
    items = []
    for path in files:
        for number, record in enumerate(read_records(path)):
            question = record.text("question")
            word = question.split()[0].casefold()
            items.append(
                BenchmarkItem(
                    item_id=record.optional("id", "question_id") or str(number),
                    video=_video(record.video("video_id", "video_name", "video")),
                    question=question,
                    options=(),
                    answer_index=-1,
                    category=word,
                    form="open",
                    reference=record.text("answer"),
                    facets=(("asks", word),),
                )
            )
    return items


def _video(name: str) -> str:
    return f"video{name}.mp4" if name.isdigit() else name if "." in name else f"{name}.mp4"


BENCHMARK: Final = Benchmark(
    name="msrvtt_qa",
    title="MSRVTT-QA",
    source="https://github.com/xudejing/video-question-answering (test_qa.json) and MSR-VTT's videos",
    layout="test_qa.json and video/video*.mp4",
    files=(("test_qa.json",), ("test_qa.jsonl",), ("test*.parquet",)),
    load=load,
    facets=("asks",),
    forms=("open",),
)
