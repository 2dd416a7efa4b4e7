"""What a benchmark is: where it is published, how its files are read, how it is scored."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from videopasta_assets.errors import UserError
from videopasta_assets.evaluation.item import BenchmarkItem, Form, check_names

VIDEO_SUFFIXES: Final = (".mp4", ".mkv", ".webm", ".avi", ".mov", ".MP4", ".m4v")


@dataclass(frozen=True)
class Metric:
    """How a benchmark's one number is made of its items.

    Attributes:
        name: what it is called.
        macro_over: the mean of the means over this facet's values; empty for the mean over items.
        grouped: a group counts as right when all of its items are (Vinoground); otherwise items count.
    """

    name: str = "accuracy"
    macro_over: str = ""
    grouped: bool = False


ACCURACY: Final = Metric()

Load = Callable[[Sequence[Path], bool], list[BenchmarkItem]]
"""From the published files, and whether questions show subtitles, to items."""


@dataclass(frozen=True)
class Benchmark:
    """A published benchmark.

    Attributes:
        name: the value of `format` in videopasta.yaml.
        title: its own name.
        source: where it is to be had.
        layout: which files belong where.
        files: patterns of its files, in alternatives; the first alternative that is whole is read.
        load: reads them.
        metric: how it is scored.
        facets: what its scores are broken down by.
        forms: the forms that its items have.
        video_folders: folders that its distribution keeps videos in.
        subtitles: its questions show subtitles unless it is told otherwise.
    """

    name: str
    title: str
    source: str
    layout: str
    files: tuple[tuple[str, ...], ...]
    load: Load
    metric: Metric = ACCURACY
    facets: tuple[str, ...] = ()
    forms: tuple[Form, ...] = ("choice",)
    video_folders: tuple[str, ...] = ("videos", "video", "data")
    subtitles: bool = False

    def find(self, place: Path) -> list[Path]:
        """The benchmark's files in a folder, in the order of their patterns; or `place` itself, if it is a file.

        Raises:
            UserError: they are not there; it says where to get them and where to put them.
        """
        if place.is_file():
            return [place]
        for patterns in self.files:
            found = [sorted(place.glob(pattern)) for pattern in patterns]
            if all(found):
                return list(dict.fromkeys(path for paths in found for path in paths))
        raise UserError(
            f"{self.title} is not there" if place.is_dir() else f"{self.title} is not there: no such folder",
            where=str(place),
            fix=f"Get it from {self.source} and put there: {self.layout}.",
        )

    def items(self, place: Path, *, subtitles: bool | None = None) -> list[BenchmarkItem]:
        """All items, in the order of the files.

        Raises:
            UserError: no files, a wrong layout (the first offending field is named), or no items.
        """
        items = self.load(self.find(place), self.subtitles if subtitles is None else subtitles)
        if not items:
            raise UserError(f"{self.title} has no items", where=str(place))
        check_names(items, str(place))
        return items


def choose(items: Sequence[BenchmarkItem], only: Mapping[str, Sequence[str]], where: str) -> list[BenchmarkItem]:
    """Items whose facets have the values that `only` names.

    Raises:
        UserError: no item has such a facet, or such a value of it.
    """
    chosen = list(items)
    for name, values in only.items():
        known = sorted({item.facet(name) for item in items} - {""})
        if not known:
            facets = sorted({facet for item in items for facet, _ in item.facets})
            raise UserError(f"no item has a {name!r}", where=where, fix=f"Items have: {', '.join(facets) or 'none'}.")
        for value in values:
            if value not in known:
                raise UserError(f"no item's {name} is {value!r}", where=where, fix=f"There are: {', '.join(known)}.")
        chosen = [item for item in chosen if item.facet(name) in values]
    return chosen
