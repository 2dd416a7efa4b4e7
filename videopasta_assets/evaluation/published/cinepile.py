"""CinePile: film scenes, five options, subtitles in the question."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from videopasta_assets.evaluation.benchmark import Benchmark
from videopasta_assets.evaluation.item import BenchmarkItem
from videopasta_assets.evaluation.published.record import read_records
from videopasta_assets.evaluation.published.subtitle import LINES_SHOWN


def load(files: Sequence[Path], subtitles: bool) -> list[BenchmarkItem]:
    """Items of the hub's Parquet files."""
    items = []
    for path in files:
        for number, record in enumerate(read_records(path)):
            options = record.texts("choices")
            answer = record.index(len(options), "answer_key_position")
            category = " ".join(record.optional("question_category").split())
            facets = (("category", category), ("hard", str(record.optional("hard_split")).lower()))
            items.append(
                BenchmarkItem(
                    item_id=f"{path.stem}-{number}",
                    video=record.video("videoID", form="{}.mp4"),
                    question=record.text("question"),
                    options=options,
                    answer_index=answer,
                    category=category,
                    facets=tuple(facet for facet in facets if facet[1]),
                    subtitles=record.optional("subtitles")[:LINES_SHOWN] if subtitles else "",
                )
            )
    return items


BENCHMARK: Final = Benchmark(
    name="cinepile",
    title="CinePile",
    source="the data set tomg-group-umd/cinepile of the model hub (test split; videos from its links)",
    layout="v2/test-*.parquet (or test-*.parquet) and videos/VIDEO_ID.mp4",
    files=(("v2/test-*.parquet",), ("data/test-*.parquet",), ("test-*.parquet",), ("**/test-*.parquet",)),
    load=load,
    facets=("category", "hard"),
    subtitles=True,
)
