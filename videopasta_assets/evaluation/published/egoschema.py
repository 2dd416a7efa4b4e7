"""EgoSchema: five options; only the subset of 500 has published answers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from videopasta_assets.errors import UserError
from videopasta_assets.evaluation.benchmark import Benchmark
from videopasta_assets.evaluation.item import BenchmarkItem
from videopasta_assets.evaluation.published.record import Record, read_json, read_records, without_letters

_ANSWERS: Final = "subset_answers.json"


def load(files: Sequence[Path], subtitles: bool) -> list[BenchmarkItem]:  # noqa: ARG001 - it has no subtitles
    """The items with answers: of questions.json and subset_answers.json, or of the hub's Parquet files."""
    items = []
    for path in files:
        if path.name == _ANSWERS:
            continue
        answers = _answers(path.parent / _ANSWERS) if path.suffix == ".json" else None
        for record in read_records(path):
            if answers is None:
                options = without_letters(record.texts("option"))
                video, answer = record.video("video_idx"), record.index(len(options), "answer")
            else:
                options = tuple(record.text(f"option {place}") for place in range(5))
                video = record.video("q_uid")
                if video not in answers:
                    continue  # answers to the others are not published
                answer = Record(answers, str(path.parent / _ANSWERS)).index(5, video)
            items.append(
                BenchmarkItem(
                    item_id=video,
                    video=f"{video}.mp4",
                    question=record.text("question"),
                    options=options,
                    answer_index=answer,
                )
            )
    return items


def _answers(path: Path) -> dict[str, int]:
    if not path.is_file():
        raise UserError(
            "the answers are missing", where=str(path), fix="Put subset_answers.json beside questions.json."
        )
    data = read_json(path)
    if not isinstance(data, dict):
        raise UserError("the file must map questions to the numbers of their options", where=str(path))
    return data


BENCHMARK: Final = Benchmark(
    name="egoschema",
    title="EgoSchema (subset)",
    source="https://github.com/egoschema/EgoSchema or the data set lmms-eval/egoschema of the model hub",
    layout="questions.json and subset_answers.json (or the hub's Parquet files in Subset/), and videos/*.mp4",
    files=(("questions.json", _ANSWERS), ("questions.json",), ("Subset/*.parquet",), ("*.parquet",)),
    load=load,
)
