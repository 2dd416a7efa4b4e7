"""LongVideoBench, validation split: up to five options, videos from 8 s to an hour."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from videopasta_assets.evaluation.benchmark import Benchmark
from videopasta_assets.evaluation.item import BenchmarkItem
from videopasta_assets.evaluation.published.record import Record, read_records
from videopasta_assets.evaluation.published.subtitle import LINES_SHOWN


def load(files: Sequence[Path], subtitles: bool) -> list[BenchmarkItem]:
    """Items of `lvb_val.json`, or of the hub's Parquet files."""
    items = []
    for path in files:
        for record in read_records(path):
            options = _options(record)
            category = record.optional("question_category")
            facets = (
                ("duration", record.optional("duration_group")),
                ("question category", category),
                ("level", record.optional("level")),
            )
            items.append(
                BenchmarkItem(
                    item_id=record.text("id"),
                    video=record.video("video_path"),
                    question=record.text("question"),
                    options=options,
                    answer_index=record.index(len(options), "correct_choice"),
                    category=category,
                    facets=tuple(facet for facet in facets if facet[1]),
                    subtitles=_subtitles(record, path.parent) if subtitles else "",
                )
            )
    return items


def _options(record: Record) -> tuple[str, ...]:
    if record.data.get("candidates") is not None:
        return record.texts("candidates")
    found = [record.optional(f"option{place}") for place in range(5)]
    options = tuple(option for option in found if option not in ("", "N/A"))
    if len(options) < 2:
        raise record.wrong("candidates", "must be a list of at least two texts")
    return options


def _subtitles(record: Record, folder: Path) -> str:
    place = folder / "subtitles" / record.video("subtitle_path")
    if not place.is_file():
        return ""
    lines: list[Any] = json.loads(place.read_text(encoding="utf-8"))
    texts = [str(line.get("text", line.get("line", ""))).strip() for line in lines if isinstance(line, dict)]
    return "\n".join(text for text in texts if text)[:LINES_SHOWN]


BENCHMARK: Final = Benchmark(
    name="longvideobench",
    title="LongVideoBench",
    source="the data set longvideobench/LongVideoBench of the model hub (gated)",
    layout="lvb_val.json (or validation-*.parquet), videos/*.mp4 and, for subtitles, subtitles/*.json",
    files=(("lvb_val.json",), ("validation-*.parquet",), ("**/validation-*.parquet",)),
    load=load,
    facets=("duration", "question category", "level"),
)
