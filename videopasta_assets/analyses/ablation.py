"""From finished cells to values and a page: ours over cells or arms, the paper's table beside it under its own name."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from videopasta_assets.analyses.cells import Prepared, results
from videopasta_assets.analyses.grid import Grid
from videopasta_assets.analyses.plots import Point, bars, lines
from videopasta_assets.analyses.result import Analysis, Measured
from videopasta_assets.evaluation.references import reference_scores
from videopasta_assets.lake import Row
from videopasta_assets.reports.document import Plot, Report, Section, Table
from videopasta_assets.taxonomy import MODES

_OVERALL: Final = "all"
_SCOPES: Final = (_OVERALL, *(mode.value for mode in MODES))


@dataclass(frozen=True)
class _Setting:
    """One place on the axis: scores of all its seeds, by benchmark and scope."""

    title: str
    reference: str
    rows: Mapping[tuple[str, str], Sequence[Row]]

    def mean(self, key: tuple[str, str], name: str) -> float:
        return float(np.mean([row[name] for row in self.rows[key]]))

    def point(self, key: tuple[str, str]) -> Point | None:
        """The difference to the base in points: the mean over seeds; the interval is its mean, or the runs' range."""
        if key not in self.rows:
            return None
        differences = [100 * row["difference"] for row in self.rows[key]]
        low, high = min(differences), max(differences)
        if all(row["low"] is not None for row in self.rows[key]):  # lmms-eval gives no interval
            low, high = min(low, 100 * self.mean(key, "low")), max(high, 100 * self.mean(key, "high"))
        return Point(float(np.mean(differences)), low, high)


def ablation(grid: Grid, finished: Sequence[Prepared]) -> Analysis:
    """The values and the page of an ablation, of the cells that are done."""
    settings = _settings(grid, finished)
    measured = [one for setting in settings for one in _measured(setting)]
    keys = list(dict.fromkeys(key for setting in settings for key in sorted(setting.rows, key=_order)))
    sections = [_ours(grid, settings, keys)]
    if grid.robustness:
        measured, sections = _with_refusals(finished, measured, sections)
    if (theirs := _theirs(grid)) is not None:
        sections.append(theirs)
    facts = [
        ("cells", ", ".join(prepared.cell.title for prepared in finished)),
        ("model", ", ".join(sorted({prepared.project.model_id("responder") for prepared in finished}))),
    ]
    report = Report(grid.title, grid.question, facts, tuple(sections))
    return Analysis(grid.name, measured, report)


def _settings(grid: Grid, finished: Sequence[Prepared]) -> list[_Setting]:
    found: dict[tuple[str, str], dict[tuple[str, str], list[Row]]] = {}
    titles: dict[tuple[str, str], tuple[str, str]] = {}
    for prepared in finished:
        arms = {arm.name: arm for arm, _, _ in prepared.arms}
        for row in results(prepared):
            key = (row["cell"], row["arm"])
            place = found.setdefault(key, defaultdict(list))
            place[row["benchmark"], row["scope"]].append(row)
            arm = arms[row["arm"]]
            if grid.over == "arms":
                titles[key] = (arm.title, arm.reference)
            else:
                title = prepared.cell.title if len(arms) == 1 else f"{prepared.cell.title}, {arm.title}"
                titles[key] = (title, prepared.cell.reference)
    return [_Setting(*titles[key], found[key]) for key in found]


def _order(key: tuple[str, str]) -> tuple[str, int]:
    benchmark, scope = key
    return benchmark, _SCOPES.index(scope) if scope in _SCOPES else len(_SCOPES)


def _measured(setting: _Setting) -> list[Measured]:
    found = []
    for (benchmark, scope), rows in setting.rows.items():
        for row in rows:
            about: dict[str, Any] = {"seed": row["seed"], "items": row["items"]}
            found.append(Measured(setting.title, benchmark, scope, "base", row["base_accuracy"], **about))
            found.append(Measured(setting.title, benchmark, scope, "tuned", row["tuned_accuracy"], **about))
            interval = {"low": row["low"], "high": row["high"]}
            found.append(
                Measured(setting.title, benchmark, scope, "difference", row["difference"], **interval, **about)
            )
        pairs = float(np.mean([row["pairs"] for row in rows]))
        if scope == _OVERALL:
            found.append(Measured(setting.title, benchmark, scope, "pairs", pairs))
    return found


def _ours(grid: Grid, settings: Sequence[_Setting], keys: Sequence[tuple[str, str]]) -> Section:
    rows = []
    for setting in settings:
        for key in keys:
            if key in setting.rows:
                point = setting.point(key)
                seen = setting.rows[key]
                rows.append(
                    (
                        setting.title,
                        *key,
                        seen[0]["items"],
                        round(setting.mean(key, "pairs")),
                        len(seen),
                        _points(setting.mean(key, "base_accuracy")),
                        _points(setting.mean(key, "tuned_accuracy")),
                        None if point is None else f"{point.value:+.1f} [{point.low:+.1f}, {point.high:+.1f}]",
                    )
                )
    columns = ("setting", "benchmark", "part", "items", "pairs", "seeds", "base", "tuned", "points [95 %]")
    return Section(
        "Ours",
        (
            "Points of accuracy against the base model; the interval is a bootstrap over videos, widened to the range "
            "of the runs where there are several. An interval that holds zero shows no effect.",
        ),
        _plot(grid, settings, keys),
        (Table(columns, rows),),
    )


def _plot(grid: Grid, settings: Sequence[_Setting], keys: Sequence[tuple[str, str]]) -> Plot | None:
    if not settings or not keys:
        return None
    meaning = f"{grid.title}: points against the base model, by setting"
    series = {" ".join(key): [setting.point(key) for setting in settings] for key in keys}
    if all(arm.share is not None for arm in grid.arms):
        pairs = [setting.mean(keys[0], "pairs") for setting in settings]
        drawn = {
            name: [(count, point) for count, point in zip(pairs, points, strict=True) if point is not None]
            for name, points in series.items()
        }
        return Plot(lines(drawn, "pairs", "points against the base"), meaning)
    return Plot(bars([setting.title for setting in settings], series, "points against the base"), meaning)


def _theirs(grid: Grid) -> Section | None:
    """The paper's whole table, marked as the paper's."""
    if grid.reference is None:
        return None
    found = [
        row for row in reference_scores() if (row.paper, row.table) == (grid.reference.paper, grid.reference.table)
    ]
    benchmarks = list(dict.fromkeys(row.benchmark for row in found))
    models = list(dict.fromkeys(row.model for row in found))
    values = {(row.model, row.benchmark): row.value for row in found}
    rows = [(model, *(values.get((model, benchmark)) for benchmark in benchmarks)) for model in models]
    return Section(
        f"{grid.reference.paper}, table {grid.reference.table[1:]}",
        ("Percent, as the paper reports them: other models, videos and benchmarks. Not a target.",),
        tables=(Table(("setting", *benchmarks), rows, frozenset(range(len(rows)))),),
    )


def _with_refusals(
    finished: Sequence[Prepared], measured: list[Measured], sections: list[Section]
) -> tuple[list[Measured], list[Section]]:
    rows = []
    for prepared in finished:
        for label, name in (
            ("base", "base"),
            *((f"{arm.title}, seed {seed}", run) for arm, seed, run in prepared.arms),
        ):
            for benchmark in prepared.project.settings.evaluation.benchmarks:
                for kind, values in _refusals(prepared, name, benchmark.name).items():
                    rows.append((label, kind, *(_points(value) for value in values)))
                    for measure, value in zip(("refused", "control answered", "balanced"), values, strict=True):
                        measured.append(Measured(label, benchmark.name, kind, measure, value))
    table = Table(("model", "kind", "refused %", "control answered %", "balanced %"), rows)
    return measured, [*sections, Section("Refusals", tables=(table,))]


def _refusals(prepared: Prepared, model: str, benchmark: str) -> dict[str, tuple[float, float, float]]:
    address = prepared.project.address("benchmark_answers", f"{model}__{benchmark}")
    right: dict[str, list[bool]] = defaultdict(list)
    for row in prepared.project.lake.rows(address):
        if row["error"] is None and row["kind"] != "question":
            right[row["kind"]].append(bool(row["correct"]))
    found = {}
    for kind, refusals in right.items():
        control = f"{kind}_control"
        if control in right:
            refused, answered = float(np.mean(refusals)), float(np.mean(right[control]))
            found[kind] = (refused, answered, (refused + answered) / 2)
    return found


def _points(share: float) -> str:
    return f"{100 * share:.1f}"
