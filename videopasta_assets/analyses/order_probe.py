"""The binary temporal-order probe (TimeWarp, section 6.2), over answers to a benchmark of format `order_probe`, or to
one of our own form whose items have the facets `bucket` and `direction`.

A subcategory (bucket and direction) of a video is right with at least three of its four statements, a bucket with at
least five of its eight. Constant answers get two and four, so nothing; coin flips get 31 and 36 %.
"""

from collections import defaultdict
from math import comb
from typing import Final

from videopasta_assets.analyses.plots import Point, bars
from videopasta_assets.analyses.result import Analysis, Measured
from videopasta_assets.analyses.scored import answers
from videopasta_assets.errors import UserError
from videopasta_assets.evaluation.published.order_probe import BUCKETS, DIRECTIONS
from videopasta_assets.lake import Row
from videopasta_assets.reports.document import Plot, Report, Section, Table
from videopasta_assets.stages.project import Project

NAME: Final = "order-probe"
TITLE: Final = "Does the model know what comes before what?"
NEEDED_OF_FOUR: Final = 3
NEEDED_OF_EIGHT: Final = 5


def chance(statements: int, needed: int) -> float:
    """The share that coin flips get: at least `needed` of `statements`."""
    return float(sum(comb(statements, count) for count in range(needed, statements + 1)) / 2**statements)


def analyse(project: Project) -> Analysis:
    """Every model that answered the probe.

    Raises:
        UserError: no benchmark is a probe, or none was answered.
    """
    names = [b.name for b in project.settings.evaluation.benchmarks if b.format in ("order_probe", "items")]
    found = [(name, model, rows) for name in names for model, rows in answers(project, name) if _is_probe(rows)]
    if not found:
        raise UserError(
            "no benchmark of format order_probe was answered yet",
            where=str(project.settings.root),
            fix="Name one under evaluation.benchmarks (docs/ablations.md) and run `videopasta run`.",
        )
    measured = [one for name, model, rows in found for one in shares(model, name, rows)]
    scopes = list(dict.fromkeys(one.scope for one in measured))
    models = list(dict.fromkeys(one.cell for one in measured))
    values = {(one.cell, one.scope): one for one in measured if one.measure == "right"}
    series: dict[str, list[Point | None]] = {}
    for model in models:
        shown = [values.get((model, scope)) for scope in scopes]
        series[model] = [None if one is None or one.value is None else Point(100 * one.value) for one in shown]
    rows = [
        (model, scope, one.items, None if one.value is None else f"{100 * one.value:.1f}")
        for (model, scope), one in values.items()
    ]
    note = (
        f"Of a video's four statements about a bucket and a direction at least {NEEDED_OF_FOUR} must be right, of a "
        f"bucket's eight at least {NEEDED_OF_EIGHT}. Coin flips get {100 * chance(4, 3):.1f} and "
        f"{100 * chance(8, 5):.1f} %, a constant answer none. Videos without a bucket are left out of it."
    )
    plot = Plot(bars(scopes, series, "% right"), "share of videos that are right, by bucket and direction")
    section = Section("Ours", (note,), plot, (Table(("model", "part", "videos", "right %"), rows),))
    return Analysis(NAME, measured, Report(TITLE, "Yes or no questions about the order of events.", (), (section,)))


def _is_probe(rows: list[Row]) -> bool:
    return all({"bucket", "direction"} <= {facet.partition("=")[0] for facet in row["facets"] or ()} for row in rows)


def shares(model: str, benchmark: str, rows: list[Row]) -> list[Measured]:
    """Shares of videos that are right, by subcategory and by bucket; videos with all their statements count."""
    right: dict[tuple[str, str], dict[str, list[bool]]] = {}
    for row in rows:
        video, bucket, direction, _ = row["item_id"].rsplit(":", 3)
        right.setdefault((bucket, direction), defaultdict(list))[video].append(bool(row["correct"]))
    found = []
    for bucket in BUCKETS:
        for direction in DIRECTIONS:
            whole = [sum(said) for said in right.get((bucket, direction), {}).values() if len(said) == 4]
            found.append(_share(model, benchmark, f"{bucket} {direction}", whole, NEEDED_OF_FOUR))
        sides = [right.get((bucket, direction), {}) for direction in DIRECTIONS]
        both = [
            sum(sides[0][video]) + sum(sides[1][video])
            for video in sides[0].keys() & sides[1].keys()
            if len(sides[0][video]) == len(sides[1][video]) == 4
        ]
        found.append(_share(model, benchmark, bucket, both, NEEDED_OF_EIGHT))
    said = [row["predicted_index"] for row in rows]
    first = sum(place == 0 for place in said) / len(said)
    meaning = "chose the first" if rows[0].get("form") == "choice" else "said yes"
    return [*found, Measured(model, benchmark, "all", meaning, first, items=len(said))]


def _share(model: str, benchmark: str, scope: str, counts: list[int], needed: int) -> Measured:
    value = sum(count >= needed for count in counts) / len(counts) if counts else None
    return Measured(model, benchmark, scope, "right", value, items=len(counts))
