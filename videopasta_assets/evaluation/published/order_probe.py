"""The binary temporal-order probe (TimeWarp, section 6.2): yes or no questions about the order of annotated events.

The anchor is the middle event. Near: adjacent, 10 to 20 s apart; moderately far: two events apart, 20 to 30 s; very
far: at least two events and 30 s apart (start to start). Each with a partner before and one after the anchor, and for
each such pair four statements, two true and two false: whoever always says the same gets two of four.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from videopasta_assets.evaluation.benchmark import Benchmark
from videopasta_assets.evaluation.item import BenchmarkItem
from videopasta_assets.evaluation.published.record import Record, read_json, read_records

BUCKETS: Final = ("near", "moderately_far", "very_far")
DIRECTIONS: Final = ("before", "after")
FEWEST_EVENTS: Final = 4


@dataclass(frozen=True)
class Event:
    """An annotated event: where it starts, in seconds, and its description."""

    start: float
    text: str


def load(files: Sequence[Path], subtitles: bool) -> list[BenchmarkItem]:  # noqa: ARG001 - it has no subtitles
    """The statements about every video that has enough events; a bucket that a video lacks is left out."""
    items: list[BenchmarkItem] = []
    for path in files:
        for record in _records(path):
            items += probes(record.video("video"), _events(record))
    return items


def probes(video: str, events: Sequence[Event]) -> list[BenchmarkItem]:
    """The statements about one video, four for each bucket and direction that it has."""
    if len(events) < FEWEST_EVENTS:
        return []
    anchor = len(events) // 2
    found: list[BenchmarkItem] = []
    for bucket in BUCKETS:
        for direction in DIRECTIONS:
            partner = _partner(events, anchor, bucket, direction)
            if partner is not None:
                found += _statements(video, events, min(anchor, partner), max(anchor, partner), bucket, direction)
    return found


def _partner(events: Sequence[Event], anchor: int, bucket: str, direction: str) -> int | None:
    step = -1 if direction == "before" else 1
    place = anchor + step
    while 0 <= place < len(events):
        if _bucket(abs(place - anchor), abs(events[place].start - events[anchor].start)) == bucket:
            return place
        place += step
    return None


def _bucket(hops: int, gap: float) -> str | None:
    if hops == 1 and 10 <= gap < 20:
        return "near"
    if hops == 2 and 20 <= gap < 30:
        return "moderately_far"
    return "very_far" if hops >= 2 and gap >= 30 else None


def _statements(
    video: str, events: Sequence[Event], first: int, second: int, bucket: str, direction: str
) -> Iterator[BenchmarkItem]:
    early, late = events[first].text.strip().rstrip("."), events[second].text.strip().rstrip(".")
    statements = ((early, "before", late), (early, "after", late), (late, "after", early), (late, "before", early))
    for number, (one, relation, other) in enumerate(statements):
        yield BenchmarkItem(
            item_id=f"{video}:{bucket}:{direction}:{number}",
            video=video,
            question=f'Does "{one}" happen {relation} "{other}" in the video?',
            options=("yes", "no"),
            answer_index=number % 2,
            category=bucket,
            form="yes_no",
            group=f"{video}:{bucket}:{direction}",
            facets=(("bucket", bucket), ("direction", direction)),
        )


def _records(path: Path) -> Iterator[Record]:
    if path.suffix == ".json":
        data: Any = read_json(path)
        if isinstance(data, dict):
            yield Record(data, str(path))
            return
    yield from read_records(path)


def _events(record: Record) -> list[Event]:
    texts, times = record.value("description"), record.value("scene_timestamps")
    if not isinstance(texts, list) or not all(isinstance(text, str) and text.strip() for text in texts):
        raise record.wrong("description", "must be a list of texts")
    if not isinstance(times, list) or len(times) != len(texts):
        raise record.wrong("scene_timestamps", "must have a [start, end] for each description")
    try:
        events = [Event(float(start), text) for (start, _), text in zip(times, texts, strict=True)]
    except (TypeError, ValueError) as error:
        raise record.wrong("scene_timestamps", "must hold [start, end] in seconds") from error
    return sorted(events, key=lambda event: event.start)


BENCHMARK: Final = Benchmark(
    name="order_probe",
    title="The temporal-order probe",
    source="annotations of scenes with times, such as TimeWarp's of FineVideo (https://github.com/sameepv21/TimeWarp)",
    layout="normal_annotations/*.json (or events.jsonl), each with video, description (a list) and scene_timestamps, "
    "and normal_videos/*.mp4",
    files=(("events.jsonl",), ("normal_annotations/*.json",), ("annotations/*.json",)),
    load=load,
    facets=("bucket", "direction"),
    forms=("yes_no",),
    video_folders=("normal_videos", "videos", "video"),
)
