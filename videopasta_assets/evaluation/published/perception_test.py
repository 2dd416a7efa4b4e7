"""Perception Test, validation split, multiple choice: three options, four areas, four kinds of reasoning."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from videopasta_assets.errors import UserError
from videopasta_assets.evaluation.benchmark import Benchmark
from videopasta_assets.evaluation.item import BenchmarkItem
from videopasta_assets.evaluation.published.record import Record, read_json, read_records


def load(files: Sequence[Path], subtitles: bool) -> list[BenchmarkItem]:  # noqa: ARG001 - it has no subtitles
    """Items of the official annotation, or of the hub's Parquet files."""
    items = []
    for path in files:
        for record in _official(path) if path.suffix == ".json" else read_records(path):
            options = record.texts("options")
            area = record.optional("area")
            facets = (("area", area), ("reasoning", record.optional("reasoning")))
            items.append(
                BenchmarkItem(
                    item_id=f"{record.text('video_name')}-{record.text('question_id', 'id')}",
                    video=record.video("video_name", form="{}.mp4"),
                    question=record.text("question"),
                    options=options,
                    answer_index=record.index(len(options), "answer_id"),
                    category=area,
                    facets=tuple(facet for facet in facets if facet[1]),
                )
            )
    return items


def _official(path: Path) -> Iterator[Record]:
    data = read_json(path)
    if not isinstance(data, dict):
        raise UserError("the file must map videos to their annotations", where=str(path))
    for video, annotation in data.items():
        where = f"{path}, video {video}"
        questions = annotation.get("mc_question") if isinstance(annotation, dict) else None
        if not isinstance(questions, list):
            raise UserError("field 'mc_question' must be a list", where=where)
        for number, question in enumerate(questions, 1):
            if not isinstance(question, dict):
                raise UserError("an item must be an object", where=f"{where}, item {number}")
            yield Record({**question, "video_name": video}, f"{where}, item {number}")


BENCHMARK: Final = Benchmark(
    name="perception_test",
    title="Perception Test",
    source="https://github.com/google-deepmind/perception_test (validation split) or the data set "
    "lmms-eval/PerceptionTest_Val of the model hub",
    layout="mc_question_valid.json or all_valid.json (or the hub's Parquet files in mc_question_val/), and "
    "videos/*.mp4",
    files=(
        ("mc_question_valid*.json",),
        ("all_valid*.json",),
        ("mc_question_val/*.parquet",),
        ("*.parquet",),
    ),
    load=load,
    facets=("area", "reasoning"),
)
