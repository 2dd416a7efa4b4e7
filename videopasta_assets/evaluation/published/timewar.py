"""TimeWar (TimeWarp, section 3.3): the same question on the original and on the reordered video.

Options stand in the question as lines "1. ..." to "4. ...", the answer is "k. text". An item of the reordered video
knows whether its answer differs from the original's: only then does the order of events decide it.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from videopasta_assets.evaluation.benchmark import Benchmark
from videopasta_assets.evaluation.item import BenchmarkItem
from videopasta_assets.evaluation.published.record import Record, place_of, read_records, split_question

NORMAL: Final = "normal"
SHUFFLED: Final = "shuffled"


def load(files: Sequence[Path], subtitles: bool) -> list[BenchmarkItem]:  # noqa: ARG001 - it has no subtitles
    """Items of both variants."""
    items: list[BenchmarkItem] = []
    for variant in (NORMAL, SHUFFLED):
        seen: dict[tuple[str, str], int] = {}
        for path in files:
            if (SHUFFLED in path.name) != (variant == SHUFFLED):
                continue
            for record in read_records(path):
                key = (record.text("id"), record.text("question"))
                seen[key] = seen.get(key, 0) + 1
                items.append(_item(record, variant, seen[key]))
    return _with_changes(items)


def _item(record: Record, variant: str, occurrence: int) -> BenchmarkItem:
    inline = split_question(record, "question")
    answer = place_of(record.text("answer"), inline.options)
    source = f"{record.text('id')}:{inline.stem}" + (f":{occurrence}" if occurrence > 1 else "")
    return BenchmarkItem(
        item_id=f"{variant}:{source}",
        video=record.video("id", form=f"{variant}_videos/{{}}"),
        question=inline.stem,
        options=inline.options,
        answer_index=max(answer, 0),
        category=variant,
        group=source,
        facets=(("variant", variant),),
        flaw="" if answer >= 0 else "its published answer is none of its options",
    )


def _with_changes(items: list[BenchmarkItem]) -> list[BenchmarkItem]:
    """Items of the reordered videos say whether reordering changed the answer, where the original is there."""
    original = {item.group: item for item in items if item.category == NORMAL}
    found = []
    for item in items:
        other = original.get(item.group)
        if item.category == SHUFFLED and other is not None:
            changed = "yes" if item.answer_index != other.answer_index else "no"
            found.append(replace(item, facets=(*item.facets, ("answer changed", changed))))
        else:
            found.append(item)
    return found


BENCHMARK: Final = Benchmark(
    name="timewar",
    title="TimeWar",
    source="https://github.com/sameepv21/TimeWarp (its scripts make it from FineVideo)",
    layout="timewar_normal_benchmark_15k.json and temporal_shuffled_benchmark.json (or the sampled files), and "
    "normal_videos/ and shuffled_videos/",
    files=(
        ("timewar_normal_benchmark*.json", "temporal_shuffled_benchmark*.json"),
        ("temporal_benchmark_sampled.json", "shuffled_temporal_benchmark_sampled.json"),
        ("*normal*.json", "*shuffled*.json"),
    ),
    load=load,
    facets=("variant", "answer changed"),
)
