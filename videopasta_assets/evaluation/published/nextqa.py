"""NExT-QA, multiple choice: five options, causal, temporal and descriptive questions."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from videopasta_assets.errors import UserError
from videopasta_assets.evaluation.benchmark import Benchmark
from videopasta_assets.evaluation.item import BenchmarkItem
from videopasta_assets.evaluation.published.record import read_json, read_records

_KINDS: Final = {"C": "causal", "T": "temporal", "D": "descriptive"}
_MAP: Final = "map_vid_vidorID.json"


def load(files: Sequence[Path], subtitles: bool) -> list[BenchmarkItem]:  # noqa: ARG001 - it has no subtitles
    """Items of the repository's CSV file, or of the hub's Parquet files."""
    items = []
    for path in files:
        folders = _folders(path.parent)
        for record in read_records(path):
            number = record.text("video")
            kind = record.text("type")
            options = tuple(record.text(f"a{place}") for place in range(5))
            video = record.video("video", form="{}.mp4")
            items.append(
                BenchmarkItem(
                    item_id=f"{number}-{record.text('qid')}",
                    video=f"{folders[number]}.mp4" if number in folders else video,
                    question=record.text("question"),
                    options=options,
                    answer_index=record.index(5, "answer"),
                    category=kind,
                    facets=(("question type", _KINDS.get(kind[0].upper(), kind)), ("question subtype", kind)),
                )
            )
    return items


def _folders(folder: Path) -> dict[str, str]:
    """The official distribution keeps videos under VidOR's names, which a map gives."""
    if not (folder / _MAP).is_file():
        return {}
    data = read_json(folder / _MAP)
    if not isinstance(data, dict) or not all(isinstance(value, str) and ".." not in value for value in data.values()):
        raise UserError("the file must map videos to VidOR's names", where=str(folder / _MAP))
    return data


BENCHMARK: Final = Benchmark(
    name="nextqa",
    title="NExT-QA",
    source="https://github.com/doc-doc/NExT-QA (dataset/nextqa) or the data set lmms-eval/NExTQA of the model hub",
    layout="test.csv (with map_vid_vidorID.json, if videos keep VidOR's names) or the hub's Parquet files in MC/, and "
    "NExTVideo/*.mp4",
    files=(("test.csv",), ("MC/test*.parquet",), ("test*.parquet",), ("val.csv",)),
    load=load,
    facets=("question type", "question subtype"),
    video_folders=("NExTVideo", "videos", "video"),
)
