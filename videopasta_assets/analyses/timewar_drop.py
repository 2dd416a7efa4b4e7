"""TimeWar's drop: accuracy on the original videos less that on the reordered ones, of the same questions."""

from typing import Final

import numpy as np

from videopasta_assets.analyses.plots import Point, bars
from videopasta_assets.analyses.result import Analysis, Measured
from videopasta_assets.analyses.scored import answers
from videopasta_assets.errors import UserError
from videopasta_assets.evaluation.references import TIMEWARP, reference_scores
from videopasta_assets.lake import Row
from videopasta_assets.reports.document import Plot, Report, Section, Table
from videopasta_assets.stages.project import Project

NAME: Final = "timewar-drop"
TITLE: Final = "TimeWar: what reordering a video costs"
_SAMPLES: Final = 2000


def analyse(project: Project) -> Analysis:
    """Every model that answered a benchmark of format `timewar`.

    Raises:
        UserError: none was answered.
    """
    names = [b.name for b in project.settings.evaluation.benchmarks if b.format == "timewar"]
    found = [(name, model, rows) for name in names for model, rows in answers(project, name)]
    if not found:
        raise UserError(
            "no benchmark of format timewar was answered yet",
            where=str(project.settings.root),
            fix="Name one under evaluation.benchmarks (docs/benchmarks.md) and run `videopasta run`.",
        )
    measured = [one for name, model, rows in found for one in drops(model, name, rows, project.settings.seed)]
    scopes = list(dict.fromkeys(one.scope for one in measured))
    models = list(dict.fromkeys(one.cell for one in measured))
    by_key = {(one.cell, one.scope, one.measure): one for one in measured}
    series: dict[str, list[Point | None]] = {}
    for model in models:
        shown = [by_key.get((model, scope, "drop")) for scope in scopes]
        series[model] = [_point(one) for one in shown]
    rows = [
        (model, scope, one.items, *(by_key[model, scope, name].percent for name in ("normal", "shuffled", "drop")))
        for (model, scope, measure), one in by_key.items()
        if measure == "drop"
    ]
    note = (
        "Points of accuracy lost on the reordered videos, on questions that both variants have. Only where reordering "
        "changes the right answer does the order of events decide; the other questions are its control."
    )
    plot = Plot(bars(scopes, series, "drop in points"), "drop in points, by whether the right answer changes")
    ours = Section(
        "Ours", (note,), plot, (Table(("model", "answers", "questions", "normal", "shuffled", "drop"), rows),)
    )
    report = Report(TITLE, "The same questions about original and reordered videos.", (), (ours, _papers()))
    return Analysis(NAME, measured, report)


def drops(model: str, benchmark: str, rows: list[Row], seed: int) -> list[Measured]:
    """Accuracy by variant and the drop, with its interval over videos: overall, and by whether answers changed."""
    by_group: dict[str, dict[str, Row]] = {}
    for row in rows:
        by_group.setdefault(row["item_group"], {})[row["category"]] = row
    pairs = [sides for sides in by_group.values() if sides.keys() >= {"normal", "shuffled"}]
    found = []
    for scope in ("all", "answer changed", "answer kept"):
        chosen = [
            sides for sides in pairs if scope == "all" or _changed(sides["shuffled"]) == (scope == "answer changed")
        ]
        if not chosen:
            continue
        videos = [sides["normal"]["video_id"] for sides in chosen]
        normal = np.array([bool(sides["normal"]["correct"]) for sides in chosen], dtype=float)
        shuffled = np.array([bool(sides["shuffled"]["correct"]) for sides in chosen], dtype=float)
        low, high = _interval(normal - shuffled, videos, seed)
        count = len(chosen)
        found.append(Measured(model, benchmark, scope, "normal", float(normal.mean()), items=count))
        found.append(Measured(model, benchmark, scope, "shuffled", float(shuffled.mean()), items=count))
        drop = float((normal - shuffled).mean())
        found.append(Measured(model, benchmark, scope, "drop", drop, low, high, count))
    return found


def _changed(row: Row) -> bool:
    return "answer changed=yes" in (row["facets"] or ())


def _interval(
    drops: "np.ndarray[tuple[int], np.dtype[np.float64]]", videos: list[str], seed: int
) -> tuple[float, float]:
    names, place = np.unique(videos, return_inverse=True)
    sums, sizes = np.bincount(place, weights=drops), np.bincount(place)
    drawn = np.random.default_rng(seed).integers(0, len(names), size=(_SAMPLES, len(names)))
    low, high = np.quantile(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1), (0.025, 0.975))
    return float(low), float(high)


def _papers() -> Section:
    values = {
        (row.model, row.benchmark): row.value
        for row in reference_scores()
        if (row.paper, row.table) == (TIMEWARP, "T5")
    }
    models = list(dict.fromkeys(model for model, _ in values))
    rows: list[tuple[object, ...]] = []
    for model in models:
        normal, shuffled = values[model, "TimeWar normal"], values[model, "TimeWar shuffled"]
        rows.append((model, normal, shuffled, round(normal - shuffled, 2)))
    mean = sum(float(str(row[3])) for row in rows) / len(rows)
    rows.append(("mean of the drops", None, None, round(mean, 2)))
    return Section(
        f"{TIMEWARP}, table 5",
        ("In percent, as the paper reports them; its text says a mean of about 4, its table gives the last row.",),
        tables=(Table(("model", "normal", "shuffled", "drop"), rows, frozenset(range(len(rows)))),),
    )


def _point(one: Measured | None) -> Point | None:
    if one is None or one.value is None:
        return None
    low, high = (None if end is None else 100 * end for end in (one.low, one.high))
    return Point(100 * one.value, low, high)
