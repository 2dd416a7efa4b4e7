"""The TimeWar benchmark as a folder: what TimeWarp's scripts write, made of held-out videos, for format `timewar`."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from videopasta_assets.errors import UserError
from videopasta_assets.lake import Row
from videopasta_assets.stages.altered_videos import is_held_out
from videopasta_assets.stages.project import Project, good_rows

_NORMAL: Final = ("timewar_normal_benchmark.json", "normal_videos", "normal_file", "answer_index")
_SHUFFLED: Final = ("temporal_shuffled_benchmark.json", "shuffled_videos", "shuffled_file", "shuffled_index")


@dataclass(frozen=True)
class TimeWar:
    """What was written: its folder, items and videos, how many answers the order changes, and items that failed."""

    folder: Path
    items: int
    videos: int
    changed: int
    failed: int


def write_timewar(project: Project, folder: Path) -> TimeWar:
    """Write both variants of the benchmark to `folder`.

    Raises:
        UserError: nothing is held out, there are no items yet, or a pair of any recipe is about a held-out video.
    """
    if not project.settings.recipe.timewarp_explicit.held_out:
        raise UserError(
            "no video is held out for TimeWar",
            where="recipe.timewarp_explicit.held_out",
            fix="Set it to a share such as 0.2 with recipe: timewarp_explicit, and run `videopasta run`.",
        )
    shards = project.shards_of("timewar_items")
    rows = [row for shard in shards for row in project.lake.rows(project.address("timewar_items", shard))]
    items = [row for row in rows if row["error"] is None]
    if not items:
        reason = f"; the first error: {rows[0]['error']}" if rows else ""
        raise UserError(f"there are no TimeWar items yet{reason}", fix="`videopasta run` writes them.")
    _check_disjoint(project, {row["video_id"] for row in items})
    paths = {
        row["file_id"]: project.settings.path(Path(row["path"]))
        for shard in shards
        for row in good_rows(project, "altered_videos", shard)
        if is_held_out(project, row["video_id"])
    }
    items.sort(key=lambda row: (row["video_id"], row["ordinal"]))
    for name, videos, file, answer in (_NORMAL, _SHUFFLED):
        records = [_record(row, answer) for row in items]
        (folder / videos).mkdir(parents=True, exist_ok=True)
        for row in items:
            _place(paths[row[file]], folder / videos / f"{row['video_id']}.mp4")
        (folder / name).write_text(json.dumps(records, indent=1), encoding="utf-8")
    videos_asked = len({row["video_id"] for row in items})
    changed = sum(row["answer_changed"] for row in items)
    return TimeWar(folder, len(items), videos_asked, changed, len(rows) - len(items))


def _record(row: Row, answer: str) -> dict[str, str]:
    lines = [f"{number}. {option}" for number, option in enumerate(row["options"], 1)]
    return {
        "id": f"{row['video_id']}.mp4",
        "question": "\n".join([row["question"], *lines]),
        "answer": f"{row[answer] + 1}. {row['options'][row[answer]]}",
    }


def _check_disjoint(project: Project, videos: set[str]) -> None:
    """No pair of any recipe in the lake is about a video of the benchmark, as its source or rebuilt."""
    for recipe in project.lake.recipes_of("verified_pairs"):
        settings = project.settings.recipe.model_copy(update={"name": recipe})
        other = Project(project.settings.model_copy(update={"recipe": settings}))
        for shard in project.lake.shards_of("verified_pairs", recipe):
            for pair in good_rows(other, "verified_pairs", shard):
                if pair["video_id"] in videos:
                    raise UserError(
                        f"pair {pair['pair_id']} of recipe {recipe!r} is about the held-out video "
                        f"{pair['video_id'][:12]}",
                        where="TimeWar",
                        fix="A benchmark must not share videos with training: hold out videos of their own, "
                        "or keep it in a project whose other recipes have made no pairs of them.",
                    )


def _place(source: Path, target: Path) -> None:
    """A second name of the file where the file system can, else a copy."""
    if target.exists():
        target.unlink()
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
