"""Assets of analyses and ablations, one each: a plot, a page and rows of `analysis_results`.

Nothing starts them but a person: an ablation trains several models.
"""

from collections.abc import Sequence
from typing import Any

import dagster as dg

from resources.artifact import EVALUATION, GPU_POOL, OWNERS, asset_key
from resources.engines import EnginesOfAProject
from videopasta_assets.analyses.ablation import ablation
from videopasta_assets.analyses.catalog import ANALYSES, Entry, run_analysis
from videopasta_assets.analyses.cells import Prepared, prepare, run_cell
from videopasta_assets.analyses.grid import Grid, grids
from videopasta_assets.analyses.result import Analysis, keep
from videopasta_assets.assets.materialization import one_sentence
from videopasta_assets.assets.preview import report_metadata
from videopasta_assets.hashing import stable_hash
from videopasta_assets.stages.project import Engines, Project


def build(declared: Project) -> Sequence[dg.AssetsDefinition]:
    """An asset an analysis and an ablation."""
    absent: tuple[str, ...] = ()
    if not declared.settings.evaluation.benchmarks:
        absent += ("benchmark",)
    if declared.settings.oracle_truth is None:
        absent += ("oracle",)
    entries = [entry for entry in ANALYSES.values() if not any(name.startswith(absent) for name in entry.reads)]
    return [
        *(_analysis(declared, entry) for entry in entries),
        *(_ablation(declared, grid) for grid in grids().values()),
    ]


def _analysis(declared: Project, entry: Entry) -> dg.AssetsDefinition:
    @dg.asset(
        key=[declared.recipe, f"analysis_{_word(entry.name)}"],
        deps=[asset_key(declared, table) for table in entry.reads],
        group_name=EVALUATION,
        description=f"{entry.title}.",
        owners=list(OWNERS),
        kinds={"python"},
        pool=GPU_POOL if entry.asks else None,
    )
    def analysis(project: dg.ResourceParam[Project], engines: dg.ResourceParam[Engines]) -> dg.MaterializeResult[Any]:
        with one_sentence():
            return _result(project, run_analysis(project, entry.name, engines))

    return analysis


def _ablation(declared: Project, grid: Grid) -> dg.AssetsDefinition:
    @dg.asset(
        key=[declared.recipe, f"ablation_{_word(grid.name)}"],
        group_name=EVALUATION,
        description=f"{grid.title}. {grid.question}",
        owners=list(OWNERS),
        kinds={"python", "huggingface"},
        pool=GPU_POOL,
        code_version=stable_hash(grid),
    )
    def cells(
        context: dg.AssetExecutionContext, project: dg.ResourceParam[Project], engines: dg.ResourceParam[Engines]
    ) -> dg.MaterializeResult[Any]:
        with one_sentence():
            finished: list[Prepared] = []
            for prepared in prepare(project.settings.root, grid, seeds=1):
                own = engines.of(prepared.project) if isinstance(engines, EnginesOfAProject) else engines
                run_cell(prepared, own, context.log.info)
                finished.append(prepared)
            return _result(project, ablation(grid, finished))

    return cells


def _result(project: Project, analysis: Analysis) -> dg.MaterializeResult[Any]:
    page, version = keep(project, analysis)
    return dg.MaterializeResult(
        data_version=dg.DataVersion(version),
        metadata={"dagster/row_count": len(analysis.measured), **report_metadata(page)},
    )


def _word(name: str) -> str:
    return name.replace("-", "_")
