"""The items of a project's benchmarks, and the videos that they are about."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

from videopasta_assets.config.evaluation import BenchmarkSettings
from videopasta_assets.errors import UserError
from videopasta_assets.evaluation import PUBLISHED, Benchmark, BenchmarkItem, Metric, load_items
from videopasta_assets.evaluation.benchmark import ACCURACY, VIDEO_SUFFIXES, choose
from videopasta_assets.evaluation.item import Form
from videopasta_assets.hashing import stable_hash
from videopasta_assets.stages import lmms_eval
from videopasta_assets.stages.project import Project
from videopasta_assets.video.plan import SamplingSpec

ABSENT: Final = "absent"


def benchmark_named(project: Project, name: str) -> BenchmarkSettings:
    """Settings of benchmark `name`.

    Raises:
        UserError: videopasta.yaml has none of that name.
    """
    for benchmark in project.settings.evaluation.benchmarks:
        if benchmark.name == name:
            return benchmark
    known = ", ".join(benchmark.name for benchmark in project.settings.evaluation.benchmarks) or "none"
    raise UserError(f"no benchmark is named {name!r}", where="videopasta.yaml", fix=f"There are: {known}.")


def published(settings: BenchmarkSettings) -> Benchmark | None:
    """The published benchmark whose files these are; None for our own JSONL."""
    return PUBLISHED.get(settings.format)


def metric_of(settings: BenchmarkSettings) -> Metric:
    """How the benchmark is scored."""
    benchmark = published(settings)
    return benchmark.metric if benchmark else ACCURACY


def forms_of(settings: BenchmarkSettings) -> tuple[Form, ...]:
    """The forms that its items may have; a file of our own may hold any, and most hold lettered choices."""
    benchmark = published(settings)
    return benchmark.forms if benchmark else ("choice",)


def items_of(project: Project, name: str) -> list[BenchmarkItem]:
    """The benchmark's items in the order of its files: those that the project asks for.

    Raises:
        UserError: the files are missing (it says where to get them and where to put them) or malformed.
    """
    settings = benchmark_named(project, name)
    files = files_of(project, settings)
    stamps = tuple((path, path.stat().st_size, path.stat().st_mtime_ns) for path in files)
    place, seed = project.settings.path(settings.items), project.settings.seed
    return list(_items(settings.model_dump_json(), place, stamps, seed))


def check_ready(project: Project, name: str) -> None:
    """Refuse a benchmark that cannot be scored: its files or its runner's environment are missing.

    Raises:
        UserError: something is missing or malformed.
    """
    settings = benchmark_named(project, name)
    if settings.runner == lmms_eval.RUNNER and settings.lmms_eval is not None:
        lmms_eval.find_python(settings.lmms_eval, name)
    if settings.lmms_eval is None or settings.lmms_eval.task is None:
        items_of(project, name)


def files_of(project: Project, settings: BenchmarkSettings) -> list[Path]:
    """The files that the items are read from.

    Raises:
        UserError: they are not there.
    """
    place = project.settings.path(settings.items)
    benchmark = published(settings)
    if benchmark is not None:
        return benchmark.find(place)
    if not place.is_file():
        raise UserError(
            f"the file of benchmark {settings.name!r} is not there",
            where=str(place),
            fix="Put it there, or correct evaluation.benchmarks in videopasta.yaml.",
        )
    return [place]


def files_hash(project: Project, name: str) -> str:
    """Hash of the files' content; `absent` while they are not there."""
    try:
        files = files_of(project, benchmark_named(project, name))
        return stable_hash([_digest(path, path.stat().st_size, path.stat().st_mtime_ns) for path in files])
    except (UserError, OSError):
        return ABSENT


@lru_cache(maxsize=512)
def _digest(path: Path, size: int, modified_ns: int) -> str:  # noqa: ARG001 - they key the cache
    with path.open("rb") as source:
        return hashlib.file_digest(source, "blake2b").hexdigest()


@lru_cache(maxsize=64)
def _items(
    dumped: str,
    place: Path,
    stamps: tuple[tuple[Path, int, int], ...],  # noqa: ARG001 - they key the cache
    seed: int,
) -> tuple[BenchmarkItem, ...]:
    settings = BenchmarkSettings.model_validate_json(dumped)
    benchmark = published(settings)
    items = load_items(place) if benchmark is None else benchmark.items(place, subtitles=settings.subtitles)
    items = choose(items, settings.only, f"evaluation.benchmarks: {settings.name}")
    if settings.sample is not None:
        items = draw(items, settings.sample, seed)
    return tuple(items)


def draw(items: Sequence[BenchmarkItem], count: int, seed: int) -> list[BenchmarkItem]:
    """A seeded draw of about `count` items in their order; a larger count extends a smaller one.

    Groups that are scored together are drawn whole.
    """
    units: dict[str, list[int]] = {}
    for place, item in enumerate(items):
        units.setdefault(item.group or item.item_id, []).append(place)
    chosen: list[int] = []
    for name in sorted(units, key=lambda name: stable_hash("benchmark", seed, name)):
        if len(chosen) >= count:
            break
        chosen += units[name]
    return [items[place] for place in sorted(chosen)]


def find_video(folder: Path, video: str, folders: Sequence[str]) -> Path | None:
    """Where an item's video lies: as published, or the one file of that name (and folder) anywhere below, of any kind.

    Args:
        folder: folder of the benchmark's videos.
        video: the item's path.
        folders: folders in it that the distribution keeps videos in.
    """
    for prefix in ("", *folders):
        if (path := folder / prefix / video).is_file():
            return path
    known = _index(folder, folder.stat().st_mtime_ns if folder.is_dir() else 0)
    name = Path(video)
    for candidate in (name.name, *(name.stem + suffix for suffix in VIDEO_SUFFIXES)):
        # Videos of one name in different folders are different videos (Vinoground's halves and joined files).
        found = [path for path in known.get(candidate, ()) if name.parent.name in ("", path.parent.name)]
        if len(found) == 1:
            return found[0]
    return None


def missing_videos(project: Project, name: str) -> tuple[int, list[str]]:
    """How many items the benchmark has, and the videos of those whose video is not there, one an item.

    Raises:
        UserError: the benchmark's files are missing or malformed.
    """
    settings = benchmark_named(project, name)
    folder, inside = project.benchmark_folder(settings), published(settings)
    folders = inside.video_folders if inside else ()
    items = items_of(project, name)
    there = {video: find_video(folder, video, folders) is not None for video in {item.video for item in items}}
    return len(items), [item.video for item in items if not there[item.video]]


@lru_cache(maxsize=16)
def _index(folder: Path, modified_ns: int) -> dict[str, tuple[Path, ...]]:  # noqa: ARG001 - it keys the cache
    found: dict[str, tuple[Path, ...]] = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.suffix in VIDEO_SUFFIXES:
            found[path.name] = (*found.get(path.name, ()), path)
    return found


def part_of(spec: SamplingSpec, segment: tuple[float, float] | None) -> SamplingSpec:
    """The sampling of a part of a video: as many frames as of a whole one (for fps: at the rate)."""
    if segment is None or segment[1] <= segment[0]:
        return spec
    length = segment[1] - segment[0]
    # A hair more than the count, or rounding would take one frame off.
    rate = spec.value if spec.strategy != "count" else (spec.budget + 1e-6) / length
    return SamplingSpec("window", rate, spec.max_frames, window_start=segment[0], window_seconds=length)
