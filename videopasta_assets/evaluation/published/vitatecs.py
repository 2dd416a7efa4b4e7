"""VITATECS: a caption against its counterfactual, in six aspects of time."""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from videopasta_assets.evaluation.benchmark import Benchmark
from videopasta_assets.evaluation.item import BenchmarkItem
from videopasta_assets.evaluation.published.record import Record, read_records

ASPECTS: Final = ("Compositionality", "Direction", "Intensity", "Localization", "Sequence", "Type")
"""Names of the files, and of the hub's configurations."""

_QUESTION: Final = "Which of the following describes the video best?"


def load(files: Sequence[Path], subtitles: bool) -> list[BenchmarkItem]:  # noqa: ARG001 - it has no subtitles
    """Items of the aspects' files."""
    return [_item(record, path, number) for path in files for number, record in enumerate(read_records(path))]


def _item(record: Record, path: Path, number: int) -> BenchmarkItem:
    caption, counterfactual = record.text("caption"), record.text("counterfactual")
    aspect = (record.optional("aspect") or path.stem).lower()
    right = _right_place(f"{record.value('caption')}{record.value('counterfactual')}")
    return BenchmarkItem(
        item_id=f"{aspect}-{number}",
        video=record.video("video_name", form=f"{record.text('src_dataset')}/{{}}"),
        question=_QUESTION,
        options=(caption, counterfactual) if right == 0 else (counterfactual, caption),
        answer_index=right,
        category=aspect,
        facets=(("aspect", aspect), ("source", record.text("src_dataset"))),
    )


def _right_place(texts: str) -> int:
    """Where the caption stands: the order that lmms-eval draws, so that scores are of the same questions."""
    seed = sum(ord(letter) for letter in texts) % 100
    return 0 if random.Random(seed).random() > 0.5 else 1


BENCHMARK: Final = Benchmark(
    name="vitatecs",
    title="VITATECS",
    source="https://github.com/lscpku/VITATECS or the data set lscpku/VITATECS of the model hub",
    layout="data/Compositionality.jsonl and the five others, and the videos in MSRVTT/ and VATEX/",
    files=tuple(
        tuple(pattern.format(aspect) for aspect in ASPECTS) for pattern in ("data/{}.jsonl", "{}.jsonl", "{}/*.parquet")
    ),
    load=load,
    facets=("aspect", "source"),
)
