"""`videopasta ablate`: an ablation or analysis of the papers, on the embedded default or on a project of one's own."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from videopasta_assets.cli.console import print_json, print_table, say, table
from videopasta_assets.cli.init import init
from videopasta_assets.cli.options import JsonOption, open_project
from videopasta_assets.cli.run import bring_up_to_date, quieten_libraries
from videopasta_assets.errors import UserError

if TYPE_CHECKING:
    from resources.engines import WarmEngines
    from videopasta_assets.analyses.catalog import Entry
    from videopasta_assets.analyses.cells import Prepared
    from videopasta_assets.analyses.grid import Grid, Sizes
    from videopasta_assets.analyses.result import Analysis
    from videopasta_assets.stages.project import Project

VIDEOS_PER_HELD_OUT: Final = 4
"""Videos of an analysis' own benchmark for each of toyworld's: few of them ask what it needs."""


def ablate(
    name: Annotated[str, typer.Argument(help="Which one; `videopasta ablate list` names them.")],
    project: Annotated[
        Path | None,
        typer.Option("--project", "-p", help="A project of your own.", show_default="toyworld, the embedded model"),
    ] = None,
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Where the embedded default works.", show_default="ablation")
    ] = None,
    grid: Annotated[
        Path | None, typer.Option("--grid", help="A grid of your own, as YAML.", show_default="ours")
    ] = None,
    cells: Annotated[str | None, typer.Option("--cells", help="Only these cells, comma separated.")] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Training runs of each arm.")] = 1,
    videos: Annotated[int | None, typer.Option(min=1, help="Toyworld videos that pairs are made from.")] = None,
    benchmark_videos: Annotated[int | None, typer.Option(min=1, help="Held-out toyworld videos.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Run an ablation or an analysis, and write a page with a plot.

    Cells that are finished are not run again: a second call finds nothing stale, and a stopped one goes on.
    """
    quieten_libraries()  # before any of them is imported: they look then
    from videopasta_assets.analyses.catalog import ANALYSES, run_analysis
    from videopasta_assets.analyses.grid import grids, read_grid

    started = time.monotonic()
    if name == "list":
        _list(as_json)
        return
    known = {**grids(), **ANALYSES}
    if grid is None and name not in known:
        raise UserError(f"no ablation or analysis is named {name!r}", fix=f"There are: {', '.join(known)}.")
    chosen = read_grid(grid) if grid is not None else grids().get(name)
    sizes = _sizes(chosen, videos, benchmark_videos)
    if project is None and chosen is not None and chosen.needs_project:
        raise UserError(f"ablation {name}: {chosen.needs_project}", fix="See docs/ablations.md.")
    opened = open_project(project) if project is not None else _toyworld(folder or Path("ablation"), sizes)
    if chosen is not None:
        wanted = [cell.strip() for cell in cells.split(",") if cell.strip()] if cells else None
        analysis = _run_grid(opened, chosen, seeds, wanted)
    else:
        if project is None:
            opened = _with_benchmark(opened, ANALYSES[name], sizes)
            bring_up_to_date(opened, select=_needed(ANALYSES[name]))
        analysis = run_analysis(opened, name, _engines(opened))
    _report(opened, analysis, time.monotonic() - started, as_json=as_json)


def _list(as_json: bool) -> None:
    from videopasta_assets.analyses.catalog import ANALYSES
    from videopasta_assets.analyses.grid import grids

    rows: list[tuple[object, ...]] = [
        ("ablation", grid.name, len(grid.cells), len(grid.arms), grid.title) for grid in grids().values()
    ]
    rows += [("analysis", found.name, None, None, found.title) for found in ANALYSES.values()]
    if as_json:
        print_json([dict(zip(("kind", "name", "cells", "arms", "title"), row, strict=True)) for row in rows])
    else:
        print_table(table("", ("kind", "name", "cells", "arms", "about"), rows))


def _sizes(grid: "Grid | None", videos: int | None, benchmark_videos: int | None) -> "Sizes":
    from videopasta_assets.analyses.grid import Sizes

    sizes = grid.toyworld if grid is not None else Sizes()
    changes = {"videos": videos, "benchmark_videos": benchmark_videos}
    return sizes.model_copy(update={key: value for key, value in changes.items() if value is not None})


def _toyworld(folder: Path, sizes: "Sizes") -> "Project":
    """The embedded default: a project with toyworld's videos and benchmark, made when it is not there."""
    from videopasta_assets.config import CONFIG_NAME
    from videopasta_assets.toyworld.benchmark import write_benchmark
    from videopasta_assets.toyworld.folder import write_folder

    if not (folder / CONFIG_NAME).exists():
        init(folder, preset="embedded")
    opened = open_project(folder)
    truth = opened.settings.path(opened.settings.oracle_truth or Path("truth"))
    write_folder(opened.video_folder, truth, sizes.videos, 0, "pairs")
    benchmark = opened.settings.path(opened.settings.evaluation.benchmarks[0].items).parent
    write_benchmark(benchmark, truth, sizes.benchmark_videos, sizes.items, 0, "benchmark")
    say(f"{sizes.videos} videos for pairs, {sizes.benchmark_videos} held out, in {folder}.")
    return opened


def _needed(entry: "Entry") -> list[str]:
    """Assets of the run before an analysis: of the oracle's only those that it reads."""
    from videopasta_assets.planning import ASSETS

    return [asset for asset in ASSETS if not asset.startswith("oracle_") or asset in entry.reads]


def _with_benchmark(project: "Project", entry: "Entry", sizes: "Sizes") -> "Project":
    """The embedded default with the benchmark that the analysis needs, where toyworld's own does not do."""
    from videopasta_assets.stages.project import Project

    if entry.toyworld is None:
        return project
    made = entry.toyworld(project, VIDEOS_PER_HELD_OUT * sizes.benchmark_videos)
    say(f"Benchmark {made.name}, of toyworld videos, in {project.settings.path(made.items)}.")
    evaluation = project.settings.evaluation
    others = tuple(benchmark for benchmark in evaluation.benchmarks if benchmark.name != made.name)
    changed = evaluation.model_copy(update={"benchmarks": (*others, made)})
    return Project(project.settings.model_copy(update={"evaluation": changed}))


def _run_grid(project: "Project", grid: "Grid", seeds: int, chosen: list[str] | None) -> "Analysis":
    from videopasta_assets.analyses.ablation import ablation
    from videopasta_assets.analyses.cells import prepare, run_cell

    finished: list[Prepared] = []
    for prepared in prepare(project.settings.root, grid, seeds, chosen):
        started = time.monotonic()
        run_cell(prepared, _engines(prepared.project), say)
        finished.append(prepared)
        say(f"{grid.name}, {prepared.cell.title}: up to date after {time.monotonic() - started:.0f} s.")
    return ablation(grid, finished)


def _engines(project: "Project") -> "WarmEngines":
    from resources.engines import WarmEngines

    return WarmEngines(project)


def _report(project: "Project", analysis: "Analysis", seconds: float, *, as_json: bool) -> None:
    from dataclasses import asdict

    from videopasta_assets.analyses.result import keep

    page, version = keep(project, analysis)
    if as_json:
        print_json(
            {
                "analysis": analysis.name,
                "page": page.path,
                "version": version,
                "seconds": round(seconds, 1),
                "measured": [asdict(one) for one in analysis.measured],
            }
        )
        return
    for section in analysis.report.sections:
        for shown in section.tables:
            print_table(table(section.title, shown.columns, shown.rows))
        for note in section.notes:
            say(note)
    say(f"Wrote {page.path} after {seconds:.0f} s.")
