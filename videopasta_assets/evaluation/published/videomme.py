"""Video-MME: four options, short, medium and long videos, twelve task types; with or without subtitles."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from videopasta_assets.evaluation.benchmark import Benchmark
from videopasta_assets.evaluation.item import BenchmarkItem
from videopasta_assets.evaluation.published.record import read_records, without_letters
from videopasta_assets.evaluation.published.subtitle import read_srt


def load(files: Sequence[Path], subtitles: bool) -> list[BenchmarkItem]:
    """Items of the hub's Parquet file."""
    items = []
    for path in files:
        root = path.parent.parent if path.parent.name == "videomme" else path.parent
        for record in read_records(path):
            options = without_letters(record.texts("options"))
            task = record.text("task_type")
            video = record.video("videoID")
            items.append(
                BenchmarkItem(
                    item_id=record.text("question_id"),
                    video=f"{video}.mp4",
                    question=record.text("question"),
                    options=options,
                    answer_index=record.letter(len(options), "answer"),
                    category=task,
                    facets=(
                        ("duration", record.text("duration")),
                        ("task", task),
                        ("domain", record.text("domain")),
                    ),
                    subtitles=read_srt(root / "subtitle" / f"{video}.srt") if subtitles else "",
                )
            )
    return items


BENCHMARK: Final = Benchmark(
    name="videomme",
    title="Video-MME",
    source="the data set lmms-eval/Video-MME of the model hub",
    layout="videomme/test-*.parquet, data/*.mp4 and, for subtitles, subtitle/*.srt",
    files=(("videomme/test-*.parquet",), ("test-*.parquet",)),
    load=load,
    facets=("duration", "task", "domain"),
    video_folders=("data", "videos", "video"),
)
