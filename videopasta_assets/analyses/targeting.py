"""Targeting accuracy (VideoPASTA, appendix A.2.1, table 8): how often a judge that is not told names the intended mode.

Of verified pairs, each mode by its own: after verification few questions have all three adversaries, which the paper
samples. `readable` is what a perfect reader of the two texts would name, in the toy world's language; for other texts
it is none.
"""

from typing import Final

import numpy as np

from videopasta_assets.analyses.plots import Point, bars
from videopasta_assets.analyses.result import Analysis, Measured
from videopasta_assets.errors import UserError
from videopasta_assets.evaluation.references import VIDEOPASTA, reference_scores
from videopasta_assets.lake import Row
from videopasta_assets.reports.document import Plot, Report, Section, Table
from videopasta_assets.stages.project import Project, good_rows
from videopasta_assets.taxonomy import MODES

NAME: Final = "targeting"
TITLE: Final = "Do adversaries break what they are meant to break?"
TABLE: Final = "oracle_targeting"
_SAMPLES: Final = 2000


def analyse(project: Project) -> Analysis:
    """What the judge named, over all shards.

    Raises:
        UserError: it was not asked yet.
    """
    rows = [row for shard in project.shards_of(TABLE) for row in good_rows(project, TABLE, shard)]
    if not rows:
        raise UserError(
            "no judge was asked for the modes of pairs yet",
            where=str(project.settings.root),
            fix=f"Run `videopasta run --select {TABLE}`.",
        )
    measured = [one for scope in (*MODES, "all") for one in shares(rows, scope, project.settings.seed)]
    values = {(one.scope, one.measure): one for one in measured}
    scopes = list(dict.fromkeys(one.scope for one in measured))
    series: dict[str, list[Point | None]] = {
        measure: [_point(values.get((scope, measure))) for scope in scopes] for measure in ("judge", "readable")
    }
    table = [
        (scope, values[scope, "judge"].items, values[scope, "judge"].percent, values[scope, "readable"].percent)
        for scope in scopes
    ]
    note = (
        "Of verified pairs. The judge reads question, chosen and rejected answer; a reply that cannot be read is a "
        "miss. Intervals are a bootstrap over videos."
    )
    plot = Plot(bars(scopes, series, "% named"), "share of pairs whose intended mode is named, by mode")
    ours = Section("Ours", (note,), plot, (Table(("mode", "pairs", "judge %", "perfect reader %"), table),))
    judges = ", ".join(sorted({row["judge"] for row in rows}))
    report = Report(TITLE, "A judge names the failure mode, blind.", (("judge", judges),), (ours, _papers()))
    return Analysis(NAME, measured, report)


def shares(rows: list[Row], scope: str, seed: int) -> list[Measured]:
    """How many pairs of a mode (or `all`) the judge, and a perfect reader, name rightly; none without such pairs."""
    own = [row for row in rows if scope in ("all", row["adv_mode"])]
    if not own:
        return []
    names, place = np.unique([row["video_id"] for row in own], return_inverse=True)
    drawn = np.random.default_rng(seed).integers(0, len(names), size=(_SAMPLES, len(names)))
    sizes = np.bincount(place)[drawn].sum(axis=1)
    found = []
    for measure, column in (("judge", "judged_mode"), ("readable", "readable_mode")):
        hits = np.array([row[column] == row["adv_mode"] for row in own], dtype=float)
        low, high = np.quantile(np.bincount(place, weights=hits)[drawn].sum(axis=1) / sizes, (0.025, 0.975))
        found.append(
            Measured("pairs", None, str(scope), measure, float(hits.mean()), float(low), float(high), len(own))
        )
    return found


def _papers() -> Section:
    values = {row.benchmark: row.value for row in reference_scores() if (row.paper, row.table) == (VIDEOPASTA, "T8")}
    note = "In percent, GPT-4o as judge, as the paper reports them: of 200 groups of one aligned and three adversaries."
    table = Table(tuple(values), [tuple(values.values())], frozenset((0,)))
    return Section(f"{VIDEOPASTA}, table 8", (note,), tables=(table,))


def _point(one: Measured | None) -> Point | None:
    if one is None or one.value is None or one.low is None or one.high is None:
        return None
    return Point(100 * one.value, 100 * one.low, 100 * one.high)
