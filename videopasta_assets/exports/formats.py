"""Trainers' formats: a writer each, for pairs (DPO) and for labelled single answers (KTO).

A KTO file has two rows a pair: the chosen answer, wanted, and the rejected one, not wanted.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from videopasta_assets.exports.record import ExportRecord

Line = dict[str, Any]
Writer = Callable[[Sequence[ExportRecord], Path, bool], int]
"""Writes records into a folder, as pairs or (True) as labelled answers; returns the number of rows."""

VIDEO_MARK: Final = "<video>"
"""Where ms-swift, LLaMA-Factory and LLaVA put the video in a prompt."""


@dataclass(frozen=True)
class Format:
    """One trainer's format."""

    name: str
    trainer: str
    write: Writer


def _answers(record: ExportRecord) -> Iterator[tuple[str, bool]]:
    yield record.chosen, True
    yield record.rejected, False


def _lines(path: Path, rows: Iterable[Line]) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def _trl(records: Sequence[ExportRecord], folder: Path, kto: bool) -> int:
    """Conversational `prompt, chosen, rejected`, or `prompt, completion, label`; the video in a column of its own.

    TRL's own collators take images only, so `videos` is for a collator that reads it: `frame_timestamps` says which
    frames the answers are about.
    """

    def rows() -> Iterator[Line]:
        for record in records:
            system = [{"role": "system", "content": record.system}] if record.system else []
            common = {
                "prompt": [*system, {"role": "user", "content": record.prompt}],
                "videos": [record.video],
                "frame_timestamps": list(record.frame_timestamps),
                "mode": record.mode,
            }
            if kto:
                for text, wanted in _answers(record):
                    yield {**common, "completion": _said(text), "label": wanted}
            else:
                yield {**common, "chosen": _said(record.chosen), "rejected": _said(record.rejected)}

    return _lines(folder / "train.jsonl", rows())


def _said(text: str) -> list[dict[str, str]]:
    return [{"role": "assistant", "content": text}]


def _swift(records: Sequence[ExportRecord], folder: Path, kto: bool) -> int:
    """ms-swift: `messages`, `rejected_response` or `label`, `videos`, and the mode as `channel`."""

    def row(record: ExportRecord, text: str, rest: Line) -> Line:
        system = [{"role": "system", "content": record.system}] if record.system else []
        user = {"role": "user", "content": VIDEO_MARK + record.prompt}
        messages = [*system, user, *_said(text)]
        return {"messages": messages, **rest, "videos": [record.video], "channel": record.mode}

    def rows() -> Iterator[Line]:
        for record in records:
            if kto:
                yield from (row(record, text, {"label": wanted}) for text, wanted in _answers(record))
            else:
                yield row(record, record.chosen, {"rejected_response": record.rejected})

    return _lines(folder / "train.jsonl", rows())


def _llamafactory(records: Sequence[ExportRecord], folder: Path, kto: bool) -> int:
    """LLaMA-Factory: ShareGPT conversations and the `dataset_info.json` that names the columns."""
    rows: list[Line] = []
    for record in records:
        asked = {"from": "human", "value": VIDEO_MARK + record.prompt}
        common = {"system": record.system, "videos": [record.video]}
        if kto:
            rows += (
                {"conversations": [asked, {"from": "gpt", "value": text}], "kto_tag": wanted, **common}
                for text, wanted in _answers(record)
            )
        else:
            sides = {
                side: {"from": "gpt", "value": text}
                for side, text in (("chosen", record.chosen), ("rejected", record.rejected))
            }
            rows.append({"conversations": [asked], **sides, **common})
    (folder / "train.json").write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")
    columns = {"messages": "conversations", "system": "system", "videos": "videos"}
    columns |= {"kto_tag": "kto_tag"} if kto else {"chosen": "chosen", "rejected": "rejected"}
    info = {
        "file_name": "train.json",
        "formatting": "sharegpt",
        "columns": columns,
        **({} if kto else {"ranking": True}),
    }
    (folder / "dataset_info.json").write_text(json.dumps({"videopasta": info}, indent=1), encoding="utf-8")
    return len(rows)


def _llava_hound(records: Sequence[ExportRecord], folder: Path, kto: bool) -> int:
    """LLaVA-Hound: JSONL with `prompt`, `answer` and the two sides. Scores are null: nothing here measures them."""

    def rows() -> Iterator[Line]:
        for record in records:
            common = {"id": record.pair_id, "video": record.video, "prompt": f"{VIDEO_MARK}\n{record.prompt}"}
            if kto:
                for text, wanted in _answers(record):
                    yield {**common, "completion": text, "label": wanted}
            else:
                yield {
                    **common,
                    "answer": record.chosen,
                    "chosen": record.chosen,
                    "chosen_score": None,
                    "rejected": record.rejected,
                    "rejected_score": None,
                }

    return _lines(folder / "train.jsonl", rows())


def _hf(records: Sequence[ExportRecord], folder: Path, kto: bool) -> int:
    """A folder for the datasets hub: Parquet under `data/`, described by the card's front matter."""
    (folder / "data").mkdir()
    return _table(records, folder / "data" / "train-00000-of-00001.parquet", kto)


def _parquet(records: Sequence[ExportRecord], folder: Path, kto: bool) -> int:
    """One Parquet file with every field of the records."""
    return _table(records, folder / "pairs.parquet", kto)


_FIELDS: Final = pa.schema(
    [
        *((name, pa.string()) for name in ("pair_id", "video_id", "video", "system", "prompt", "query")),
        *((name, pa.string()) for name in ("chosen", "rejected", "mode", "category", "strategy")),
        ("frame_indices", pa.list_(pa.int32())),
        ("frame_timestamps", pa.list_(pa.float64())),
    ]
)


def _table(records: Sequence[ExportRecord], path: Path, kto: bool) -> int:
    rows = [{name: value for name, value in asdict(record).items() if name != "source"} for record in records]
    schema = _FIELDS
    if kto:
        rows = [
            {**row, "completion": text, "label": wanted}
            for record, row in zip(records, rows, strict=True)
            for text, wanted in _answers(record)
        ]
        schema = pa.schema([field for field in _FIELDS if field.name not in ("chosen", "rejected")])
        schema = schema.append(pa.field("completion", pa.string())).append(pa.field("label", pa.bool_()))
        rows = [{name: row[name] for name in schema.names} for row in rows]
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path, compression="zstd")
    return len(rows)


FORMATS: Final = {
    format.name: format
    for format in (
        Format("trl", "TRL's DPOTrainer and KTOTrainer", _trl),
        Format("swift", "ms-swift (rlhf_type dpo, kto)", _swift),
        Format("llamafactory", "LLaMA-Factory (stage dpo, kto)", _llamafactory),
        Format("llava-hound", "LLaVA-Hound's DPO code", _llava_hound),
        Format("hf", "the datasets library and its hub", _hf),
        Format("parquet", "anything that reads Parquet", _parquet),
    )
}
