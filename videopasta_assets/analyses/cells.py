"""Cells of an ablation: each a project with a lake of its own beside the others, over the same videos.

A new cell starts from a copy of the tables of whatever is most like it: a finished cell of this grid or of another one,
or the project itself. Rows are incremental, so it computes only what its settings change: queries and aligned responses
are shared where only adversaries differ, all pairs where only training does, and nothing of a finished cell is done
again.
"""

import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from videopasta_assets.analyses.grid import Arm, Cell, Contents, Grid, merged
from videopasta_assets.config.loader import CONFIG_NAME, parse_project
from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.lake.shards import list_shards
from videopasta_assets.stages import (
    adversaries,
    benchmark_answers,
    benchmark_scores,
    lora_checkpoint,
    preference_set,
    sampled_videos,
)
from videopasta_assets.stages.benchmark_answers import BASE
from videopasta_assets.stages.landing import land
from videopasta_assets.stages.pipeline import run_shard
from videopasta_assets.stages.project import Engines, Project
from videopasta_assets.stages.recipes import recipe_of

FOLDER: Final = "ablations"
_SETTINGS: Final = "settings.yaml"
_TABLES: Final = "tables"
_REFUSALS: Final = "robustness.jsonl"
_OF_TRAINING: Final = frozenset({"lora_checkpoint", "benchmark_scores", "benchmark_breakdowns", "analysis_results"})
_FINISHED: Final = "finished"
"""Marks a cell that is up to date, so that another one may start from it."""

_NOT_COPIED: Final = frozenset({"checkpoints", "reports", "locks", "journal"})

Say = Callable[[str], None]


@dataclass(frozen=True)
class Prepared:
    """A cell as a project, and the experiments that it trains."""

    grid: str
    cell: Cell
    project: Project
    arms: tuple[tuple[Arm, int, str], ...]
    """(arm, seed, name of the experiment)."""


def prepare(root: Path, grid: Grid, seeds: int, chosen: Sequence[str] | None = None) -> list[Prepared]:
    """The cells of a grid over the project in `root`.

    Args:
        root: folder with videopasta.yaml; relative paths of it stay as they are.
        grid: the ablation.
        seeds: training runs of each arm.
        chosen: names of cells; None for all.

    Raises:
        UserError: a cell is not known, or a key of the grid is no key of videopasta.yaml.
    """
    known = [cell.name for cell in grid.cells]
    for name in chosen or ():
        if name not in known:
            raise UserError(f"no cell is named {name!r}", where=grid.name, fix=f"There are: {', '.join(known)}.")
    base: Contents = yaml.safe_load((root / CONFIG_NAME).read_text(encoding="utf-8")) or {}
    found = []
    for cell in grid.cells:
        if chosen is None or cell.name in chosen:
            found.append(_prepared(root, grid, cell, base, seeds))
    return found


def _prepared(root: Path, grid: Grid, cell: Cell, base: Contents, seeds: int) -> Prepared:
    folder = root / FOLDER / grid.name / cell.name
    data = merged(merged(base, grid.settings), cell.settings)
    first: Contents = (base.get("experiments") or [{}])[0]
    shared = {key: first[key] for key in ("training",) if key in first}
    arms = tuple((arm, seed, f"{arm.name}_seed{seed}") for arm in grid.arms for seed in range(seeds))
    data["experiments"] = [
        merged(merged(shared, arm.settings), {"name": name, "seed": seed}) for arm, seed, name in arms
    ]
    data["lake"] = str(folder / "lake")
    if grid.robustness:
        data = merged(data, {"evaluation": {"benchmarks": _with_refusals(root, data)}})
    folder.mkdir(parents=True, exist_ok=True)
    text = yaml.safe_dump(data, sort_keys=False)
    (folder / _SETTINGS).write_text(f"# Written by `videopasta ablate {grid.name}`.\n{text}", encoding="utf-8")
    try:
        settings = parse_project(text, root / CONFIG_NAME)
    except UserError as error:
        raise UserError(error.what, where=f"grid {grid.name}, cell {cell.name}", fix=error.fix) from error
    return Prepared(grid.name, cell, Project(settings), arms)


def _with_refusals(root: Path, data: Contents) -> list[Contents]:
    """The benchmarks, and beside each the file of refusals and controls that toyworld writes with it."""
    found: list[Contents] = list(data.get("evaluation", {}).get("benchmarks", []))
    named = {benchmark["name"] for benchmark in found}
    for benchmark in tuple(found):
        items = Path(benchmark["items"]).with_name(_REFUSALS)
        name = f"{benchmark['name']}-robustness"
        if benchmark.get("format", "items") == "items" and name not in named and (root / items).is_file():
            found.append({"name": name, "items": str(items)})
    return found


def run_cell(prepared: Prepared, engines: Engines, say: Say) -> None:
    """Bring a cell up to date: pairs, checkpoints, scores. What is fresh is left alone.

    Args:
        prepared: the cell.
        engines: who answers for its roles.
        say: told what happens.
    """
    project = prepared.project
    folder = project.settings.root / FOLDER / prepared.grid / prepared.cell.name
    _start_from(project, folder)
    (folder / _FINISHED).unlink(missing_ok=True)
    land(project)
    for shard in list_shards(project.lake):
        run_shard(project, shard, engines)
    preference_set.run(project)
    for arm, _, name in prepared.arms:
        project = with_share(prepared.project, name, arm)
        before = project.data_version("lora_checkpoint", name)
        lora_checkpoint.run(project, name)
        if project.data_version("lora_checkpoint", name) != before:
            say(f"{prepared.cell.name}: trained {name}.")
        for benchmark in project.settings.evaluation.benchmarks:
            benchmark_scores.run(project, name, benchmark.name, engines)
    (folder / _FINISHED).touch()


def with_share(project: Project, name: str, arm: Arm) -> Project:
    """The project with the arm's share of the pairs as `max_pairs` of the experiment."""
    if arm.share is None:
        return project
    current = preference_set.current(project)
    pairs = len(current.members) if current else 0
    count = max(1, round(arm.share * pairs))
    experiments = tuple(
        experiment.model_copy(update={"max_pairs": count}) if experiment.name == name else experiment
        for experiment in project.settings.experiments
    )
    return Project(project.settings.model_copy(update={"experiments": experiments}))


def _start_from(project: Project, folder: Path) -> None:
    """Copy the tables of the most alike lake; of equally alike ones the last that was finished."""
    target = project.lake.root
    if not isinstance(target, Path) or (target / _TABLES).exists():
        return
    found = [(likeness(project, other), when, other) for other, when in _others(project.settings.root, folder)]
    if not found:
        return
    source = max(found, key=lambda candidate: candidate[:2])[2].lake.root
    partial = target.with_name(f"{target.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        shutil.copytree(str(source), partial, ignore=_left_behind)
    except OSError as error:
        raise VideoPastaError(f"{partial}: cannot copy the tables of a finished cell ({error})") from error
    shutil.rmtree(target, ignore_errors=True)
    partial.rename(target)


def _others(root: Path, folder: Path) -> Iterator[tuple[Project, float]]:
    """The project and the finished cells of all its grids, with when they were: those that have tables on this disk."""
    files = [root / CONFIG_NAME]
    files += [mark.with_name(_SETTINGS) for mark in (root / FOLDER).glob(f"*/*/{_FINISHED}") if mark.parent != folder]
    for file in files:
        try:
            other = Project(parse_project(file.read_text(encoding="utf-8"), root / CONFIG_NAME))
        except (OSError, UserError):  # of an older version, or gone: there is nothing to share
            continue
        tables = other.lake.root / _TABLES
        if isinstance(tables, Path) and tables.is_dir():
            mark = file.with_name(_FINISHED)
            yield other, mark.stat().st_mtime if mark.exists() else 0.0


def likeness(project: Project, other: Project) -> int:
    """How many parts of the specifications of stages that ask models are the same in both."""
    return sum(len(ours.items() & theirs.items()) for ours, theirs in zip(_specs(project), _specs(other), strict=False))


def _specs(project: Project) -> Iterator[dict[str, str]]:
    yield sampled_videos.spec(project)
    recipe = recipe_of(project)
    for stage in recipe.stages:
        yield stage.stage.spec(project)
    if recipe.attempts:
        yield adversaries.spec(project)
    for benchmark in project.settings.evaluation.benchmarks:
        yield benchmark_answers.spec(project, benchmark.name)


def _left_behind(folder: str, names: list[str]) -> Iterator[str]:
    """What belongs to a cell's training: its checkpoints, and all but the base model's answers."""
    parts = Path(folder).parts
    for name in names:
        tuned = "benchmark_answers" in parts and "__" in name and not name.startswith(f"shard={BASE}__")
        if name in _NOT_COPIED or name in _OF_TRAINING or tuned or name.endswith((".lock", ".journal")):
            yield name


def results(prepared: Prepared) -> Iterator[dict[str, Any]]:
    """A row each score: experiment, arm, seed, benchmark, scope, base, tuned, difference and its interval."""
    project = prepared.project
    for arm, seed, name in prepared.arms:
        trained = [row for row in project.lake.rows(project.address("lora_checkpoint", name)) if row["error"] is None]
        for benchmark in project.settings.evaluation.benchmarks:
            place = f"{name}__{benchmark.name}"
            for row in project.lake.rows(project.address("benchmark_scores", place)):
                if row["error"] is None and trained:
                    yield {
                        "cell": prepared.cell.name,
                        "arm": arm.name,
                        "seed": seed,
                        "benchmark": benchmark.name,
                        "scope": row["mode"],
                        "pairs": trained[0]["pairs"],
                        **{
                            key: row[key] for key in ("items", "base_accuracy", "tuned_accuracy", "difference", "units")
                        },
                        "low": row["difference_low"],
                        "high": row["difference_high"],
                    }
