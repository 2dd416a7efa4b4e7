"""The TimeWar benchmark as a folder: what TimeWarp's scripts write, made of held-out videos, for format `timewar`."""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from videopasta_assets.errors import UserError
from videopasta_assets.lake import Address, Row
from videopasta_assets.recipes.timewar import OPTIONS, PAPER_RANDOM_GROUP, chance_scores
from videopasta_assets.stages.altered_videos import is_held_out
from videopasta_assets.stages.project import Project, good_rows

_NORMAL: Final = ("timewar_normal_benchmark.json", "normal_videos", "normal_file", "answer_index")
_SHUFFLED: Final = ("temporal_shuffled_benchmark.json", "shuffled_videos", "shuffled_file", "shuffled_index")


_ABOUT: Final = "ABOUT.md"


@dataclass(frozen=True)
class Disjointness:
    """Whether videos of the benchmark are videos of pairs, by the SHA-256 of their files.

    Attributes:
        recipes: whose pairs were looked at: all of the lake.
        pairs: how many pairs.
        training_videos: how many videos they are about.
        shared: videos of the benchmark among those, each with the recipe of a pair about it.
    """

    recipes: tuple[str, ...]
    pairs: int
    training_videos: int
    shared: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class TimeWar:
    """What was written: its folder, items and videos, how many answers the order changes, and items that failed.

    `held_out` is the check that it shares no video with pairs; `chance` what guessing gets, as shares.
    """

    folder: Path
    items: int
    videos: int
    changed: int
    failed: int
    held_out: Disjointness
    chance: dict[str, float]

    @property
    def lines(self) -> tuple[str, ...]:
        """The figures for people."""
        checked, failed = self.held_out, f"; {self.failed} items failed" if self.failed else ""
        guessed = ", ".join(f"{name} {100 * share:g} %" for name, share in self.chance.items())
        return (
            f"{self.items} items about {self.videos} videos; reordering changes {self.changed} answers{failed}",
            f"held out: none of these videos, by SHA-256, is among the {checked.training_videos} of {checked.pairs} "
            f"pairs ({', '.join(checked.recipes) or 'no recipe has any'})",
            f"by guessing: {guessed}",
        )


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
    held_out = disjointness(project, {row["video_id"] for row in items})
    if held_out.shared:
        video, recipe = held_out.shared[0]
        raise UserError(
            f"a pair of recipe {recipe!r} is about the held-out video {video[:12]}, and {len(held_out.shared)} of the "
            "benchmark's videos are in pairs",
            where="TimeWar",
            fix="A benchmark must not share videos with training: hold out videos of their own, or keep it in a "
            "project whose other recipes have made no pairs of them.",
        )
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
    made = TimeWar(folder, len(items), videos_asked, changed, len(rows) - len(items), held_out, chance())
    (folder / _ABOUT).write_text("\n".join(["# TimeWar", "", *(f"- {line}" for line in made.lines), ""]), "utf-8")
    return made


def chance() -> dict[str, float]:
    """What guessing gets: an item of either variant, and the three scores of pairs; the paper's figure under its name.

    Where reordering changes the answer, one guess for both variants gets at most one of them.
    """
    scores = {f"{name} score": share for name, share in chance_scores().items()}
    return {"item": 1 / OPTIONS, **scores, "group score, as TimeWarp prints it": PAPER_RANDOM_GROUP}


def _record(row: Row, answer: str) -> dict[str, str]:
    lines = [f"{number}. {option}" for number, option in enumerate(row["options"], 1)]
    return {
        "id": f"{row['video_id']}.mp4",
        "question": "\n".join([row["question"], *lines]),
        "answer": f"{row[answer] + 1}. {row['options'][row[answer]]}",
    }


def disjointness(project: Project, videos: set[str]) -> Disjointness:
    """Look for `videos` among those that pairs of any recipe and iteration in the lake are about."""
    pairs, known = 0, dict[str, str]()
    recipes = tuple(sorted(project.lake.recipes_of("verified_pairs")))
    for recipe in recipes:
        for shard in project.lake.shards_of("verified_pairs", recipe):
            rows = project.lake.columns(Address("verified_pairs", recipe, shard), ["video_id", "error"]).to_pylist()
            own = [row["video_id"] for row in rows if row["error"] is None]
            pairs += len(own)
            known |= dict.fromkeys(own, recipe)
    shared = tuple((video, known[video]) for video in sorted(videos & known.keys()))
    return Disjointness(recipes, pairs, len(known), shared)


def _place(source: Path, target: Path) -> None:
    """A second name of the file where the file system can, else a copy."""
    if target.exists():
        target.unlink()
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
