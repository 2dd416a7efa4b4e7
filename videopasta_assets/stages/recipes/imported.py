"""Pairs that others made, as a recipe of their own: `videopasta import FILE --as NAME`, then `recipe: NAME`.

No model writes them. What was read lies in `preferences/NAME.jsonl`; lines that are no pair, or whose video is not in
the folder, lie beside it with their number and their fault.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any, Final

from videopasta_assets.errors import UserError
from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.recipes.preference_file import FaultyLine, PreferenceLine, read_preferences
from videopasta_assets.stages.contrast import CONTRAST
from videopasta_assets.stages.materialize import Stage
from videopasta_assets.stages.project import Engines, Project, good_rows
from videopasta_assets.stages.recipe import Recipe, RecipeStage
from videopasta_assets.stages.video_files import video_files
from videopasta_assets.taxonomy import FailureMode

STAGE_VERSION = "1"
FOLDER: Final = "preferences"
STRATEGY: Final = "imported"


@dataclass(frozen=True)
class Imported:
    """What an import did: the file that the recipe reads, its pairs, and the lines that were put aside."""

    path: Path
    pairs: int
    aside: tuple[FaultyLine, ...]
    quarantine: Path | None


def preferences_file(project: Project, name: str) -> Path:
    """Where the pairs of the imported set `name` lie."""
    return project.settings.root / FOLDER / f"{name}.jsonl"


def import_preferences(project: Project, source: Path, name: str, mode: FailureMode) -> Imported:
    """Read `source` and keep its pairs as the set `name`; importing again replaces it.

    Args:
        project: whose video folder the pairs are about.
        source: a JSONL file.
        name: the recipe to be; a recipe of ours has its own pairs.
        mode: failure mode of pairs that name none.

    Raises:
        UserError: there is no such file, or not one of its lines is a pair of a video in the folder.
    """
    try:
        with source.open(encoding="utf-8", errors="surrogateescape") as lines:  # a byte astray costs its line alone
            read = list(read_preferences(lines))
    except OSError as error:
        raise UserError(f"the preference file cannot be read ({error})", where=str(source)) from error
    known = _names(project)
    kept: list[str] = []
    aside: list[FaultyLine] = []
    for item in read:
        if isinstance(item, FaultyLine):
            aside.append(item)
            continue
        found = known.get(item.video) or known.get(PurePosixPath(item.video).name)
        found = found or known.get(PurePosixPath(item.video).stem)
        if found is None:
            aside.append(FaultyLine(item.line, f"no video of the folder is named {item.video!r}", _as_text(item)))
            continue
        kept.append(json.dumps({**_content(item), "video": found, "mode": item.mode or mode.value}))
    if not kept:
        first = f"; the first: line {aside[0].line}: {aside[0].fault}" if aside else ""
        raise UserError(f"none of {len(read)} lines is a pair of a video in the folder{first}", where=str(source))
    path = preferences_file(project, name)
    quarantine = path.with_name(f"{name}.quarantine.jsonl")
    _write(path, kept)
    _write(quarantine, [json.dumps({"line": one.line, "fault": one.fault, "text": one.text}) for one in aside])
    return Imported(path, len(kept), tuple(aside), quarantine if aside else None)


def _names(project: Project) -> dict[str, str]:
    """Relative path by everything that a file may call a video; a name that two files have is none."""
    names: dict[str, str] = {}
    twice: set[str] = set()
    for file in video_files(project):
        for name in {file.path, PurePosixPath(file.path).name, PurePosixPath(file.path).stem}:
            if name in names and names[name] != file.path:
                twice.add(name)
            names[name] = file.path
    for shard in project.lake.shards_of("videos", project.address("videos", "any").recipe):
        names |= {row["video_id"]: row["path"] for row in good_rows(project, "videos", shard)}
    return {name: path for name, path in names.items() if name not in twice}


def _content(item: PreferenceLine) -> dict[str, Any]:
    return {"pair_id": item.pair, "query": item.query, "chosen": item.chosen, "rejected": item.rejected}


def _as_text(item: PreferenceLine) -> str:
    return json.dumps({**_content(item), "video": item.video})


def _write(path: Path, lines: Sequence[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    partial.replace(path)


@lru_cache(maxsize=4)
def _pairs(path: Path, modified_ns: int, size: int) -> Mapping[str, tuple[Row, ...]]:  # noqa: ARG001 - keys the cache
    """Pairs of the kept file by the video's path."""
    found: dict[str, list[Row]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        found.setdefault(row["video"], []).append(row)
    return {video: tuple(rows) for video, rows in found.items()}


def _of_shard(project: Project, shard: str) -> Iterator[tuple[Row, Row, int]]:
    """(video, pair, place among the video's pairs) of the shard."""
    path = preferences_file(project, project.recipe)
    status = path.stat()
    pairs = _pairs(path, status.st_mtime_ns, status.st_size)
    for video in good_rows(project, "sampled_videos", shard):
        for ordinal, pair in enumerate(pairs.get(video["path"], ())):
            yield video, pair, ordinal


def _version(project: Project, shard: str) -> dict[str, str]:  # noqa: ARG001 - a stage's signature
    path = preferences_file(project, project.recipe)
    return {"file": hashlib.sha256(path.read_bytes()).hexdigest()}


def _spec(project: Project) -> dict[str, str]:  # noqa: ARG001 - every stage has the same signature
    return {"stage": STAGE_VERSION}


def _derive(project: Project, shard: str, table: str) -> list[Derivation]:
    derivations = []
    for video, pair, ordinal in _of_shard(project, shard):
        query_id = stable_hash("imported", project.recipe, video["video_id"], pair["pair_id"])
        row = _ROWS[table](query_id, video, pair, ordinal)
        key = row[_KEYS[table]]
        derivations.append(Derivation(key, stable_hash(pair, video["video_id"], STAGE_VERSION), row))
    return derivations


def _common(query_id: str, video: Row, pair: Row) -> Row:
    return {
        "query_id": query_id,
        "video_id": video["video_id"],
        "query_mode": pair["mode"],
        "query_category": STRATEGY,
    }


def _query(query_id: str, video: Row, pair: Row, ordinal: int) -> Row:
    return {**_common(query_id, video, pair), "ordinal": ordinal, "query": pair["query"], "generator": STRATEGY}


def _chosen(query_id: str, video: Row, pair: Row, _: int) -> Row:
    return {
        **_common(query_id, video, pair),
        "response_id": stable_hash("aligned", query_id),
        "query": pair["query"],
        "response": pair["chosen"],
        "responder": STRATEGY,
    }


def _rejected(query_id: str, video: Row, pair: Row, _: int) -> Row:
    return {
        **_common(query_id, video, pair),
        "adversary_id": stable_hash("adversary", query_id, 0, 1),
        "slot": 0,
        "attempt": 1,
        "adv_mode": pair["mode"],
        "adv_strategy": STRATEGY,
        "response": pair["rejected"],
        "responder": STRATEGY,
    }


_ROWS: Final = {"queries": _query, "aligned_responses": _chosen, "adversaries": _rejected}
_KEYS: Final = {"queries": "query_id", "aligned_responses": "response_id", "adversaries": "adversary_id"}


def _rows(_: Project, __: Engines, derivations: Sequence[Derivation]) -> Iterator[Row]:
    now = datetime.now(UTC)
    return ({"row_key": item.row_key, **item.payload, "created_at": now} for item in derivations)


def _stage(table: str) -> RecipeStage:
    def derive(project: Project, shard: str) -> list[Derivation]:
        return _derive(project, shard, table)

    return RecipeStage(Stage(table, ("sampled_videos",), _spec, derive, outside=_version), _rows, asks=False)


_STAGES: Final = (*(_stage(table) for table in _ROWS), CONTRAST)


def recipe(name: str) -> Recipe:
    """The set `name` as a recipe."""
    return Recipe(name, _STAGES)
