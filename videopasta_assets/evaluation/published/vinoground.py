"""Vinoground: 500 counterfactual pairs, each asked four ways; a pair's answers count together.

Text score: on both videos the right caption. Video score: for both captions the right half of a file that joins both
videos. Group score: all four.
"""

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from videopasta_assets.errors import UserError
from videopasta_assets.evaluation.benchmark import Benchmark, Metric
from videopasta_assets.evaluation.item import BenchmarkItem
from videopasta_assets.evaluation.published.record import read_records, split_question

_FILES: Final = {"vinoground_textscore.json": "text", "vinoground_videoscore.json": "video"}


def load(files: Sequence[Path], subtitles: bool) -> list[BenchmarkItem]:  # noqa: ARG001 - it has no subtitles
    """Items of both score files; categories come from the table of pairs, where it is there."""
    tables = [path for path in files if path.suffix == ".csv"]
    majors = _majors(tables)
    items = []
    for path in files:
        if path in tables:
            continue
        if path.name not in _FILES:
            raise UserError(f"the file must be one of {', '.join(_FILES)}", where=str(path))
        score = _FILES[path.name]
        for record in read_records(path):
            name = record.text("idx")
            pair, _, side = name.partition("_")
            if side not in ("pos", "neg"):
                raise record.wrong("idx", "must be a number followed by _pos or _neg")
            inline = split_question(record, "question")
            major = majors.get(pair, "")
            items.append(
                BenchmarkItem(
                    item_id=f"{name}_{score}",
                    video=record.video("video_name"),
                    question=inline.stem,
                    options=inline.options,
                    answer_index=record.letter(len(inline.options), "GT"),
                    category=major,
                    group=pair,
                    facets=(("score", score), *((("major", major),) if major else ())),
                )
            )
    return items


def _majors(tables: Sequence[Path]) -> dict[str, str]:
    """The major category of each pair: as the authors read it, the second column, a row a pair in their order."""
    found = {}
    for path in tables:
        with path.open(encoding="utf-8-sig", newline="") as source:
            rows = list(csv.reader(source))[1:]
        found.update({str(pair): row[1].strip() for pair, row in enumerate(rows) if len(row) > 1})
    return found


BENCHMARK: Final = Benchmark(
    name="vinoground",
    title="Vinoground",
    source="the data set HanSolo9682/Vinoground of the model hub",
    layout="vinoground_textscore.json, vinoground_videoscore.json, vinoground.csv, and the unpacked "
    "vinoground_videos/ and vinoground_videos_concated/",
    files=(
        (*_FILES, "vinoground.csv"),
        tuple(_FILES),
        ("vinoground_videos/vinoground_textscore.json", "vinoground_videos_concated/vinoground_videoscore.json"),
    ),
    load=load,
    metric=Metric("group score", grouped=True),
    facets=("score", "major"),
)
