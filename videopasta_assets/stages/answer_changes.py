"""What became of each benchmark item between the base and the tuned model."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from videopasta_assets.errors import UserError
from videopasta_assets.evaluation import BenchmarkItem
from videopasta_assets.lake import Row
from videopasta_assets.stages.benchmark_answers import BASE, clip_of, partition, video_of
from videopasta_assets.stages.benchmark_items import benchmark_named, find_video, items_of, published
from videopasta_assets.stages.project import Project
from videopasta_assets.video.clip import Clip
from videopasta_assets.video.probe import VideoInfo


class Change(StrEnum):
    """In the order in which a person wants to see them."""

    BROKEN = "broken"
    FIXED = "fixed"
    BOTH_WRONG = "both_wrong"
    BOTH_RIGHT = "both_right"
    LEFT_OUT = "left_out"
    """One of the models could not be asked, so it counts for neither."""


_CHANGES = {
    (True, True): Change.BOTH_RIGHT,
    (True, False): Change.BROKEN,
    (False, True): Change.FIXED,
    (False, False): Change.BOTH_WRONG,
}


@dataclass(frozen=True)
class AnsweredItem:
    """One item with the `benchmark_answers` rows of both models; None: that model was not asked.

    `row` is one of the two: what it says of the item, both say.
    """

    benchmark: str
    row: Row
    base: Row | None
    tuned: Row | None

    @property
    def item_id(self) -> str:
        """The item's name in its benchmark."""
        return str(self.row["item_id"])

    @property
    def change(self) -> Change:
        """What became of it."""
        if self.base is None or self.tuned is None or self.base["error"] or self.tuned["error"]:
            return Change.LEFT_OUT
        return _CHANGES[bool(self.base["correct"]), bool(self.tuned["correct"])]


def answered_items(project: Project, experiment: str, benchmarks: Iterable[str]) -> list[AnsweredItem]:
    """Items that either model was asked, benchmark by benchmark: what broke first, then what was fixed."""
    order = list(Change)
    found: list[AnsweredItem] = []
    for benchmark in benchmarks:
        base, tuned = (
            {row["item_id"]: row for row in project.lake.rows(project.address("benchmark_answers", place))}
            for place in (partition(BASE, benchmark), partition(experiment, benchmark))
        )
        if not tuned:
            continue
        items = [AnsweredItem(benchmark, row, base.get(key), tuned.get(key)) for key, row in {**base, **tuned}.items()]
        found += sorted(items, key=lambda item: (order.index(item.change), item.item_id))
    return found


class AskedItems:
    """The benchmarks' items and videos, as their files are now."""

    def __init__(self, project: Project) -> None:
        self._project = project
        self._items: dict[str, dict[str, BenchmarkItem]] = {}

    def item(self, answered: AnsweredItem) -> BenchmarkItem:
        """What was asked.

        Raises:
            UserError: the benchmark's files are missing or malformed, or have no such item any more.
        """
        name = answered.benchmark
        if name not in self._items:
            self._items[name] = {item.item_id: item for item in items_of(self._project, name)}
        if answered.item_id not in self._items[name]:
            raise UserError("the benchmark has no such item now", where=f"{name}, item {answered.item_id}")
        return self._items[name][answered.item_id]

    def clip(self, answered: AnsweredItem) -> tuple[Clip, VideoInfo]:
        """The frames that models see of its video, and the video.

        Raises:
            VideoPastaError: as `item`; or the video is missing, another, or cannot be read.
        """
        project, item = self._project, self.item(answered)
        settings = benchmark_named(project, answered.benchmark)
        inside = published(settings)
        folder = project.benchmark_folder(settings)
        path = find_video(folder, item.video, inside.video_folders if inside else ())
        return clip_of(project, settings, item, path), video_of(project, settings, item, path)
