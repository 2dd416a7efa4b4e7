"""Information gain: score points for each thousand pairs (VideoPASTA, equation 4, figures 6 and 7)."""

from typing import Final

from videopasta_assets.analyses.plots import Point, bars
from videopasta_assets.analyses.result import Analysis, Measured
from videopasta_assets.analyses.scored import overall_scores
from videopasta_assets.evaluation.references import gain_ratio, information_gain, information_gain_claims
from videopasta_assets.reports.document import Plot, Report, Section, Table
from videopasta_assets.stages.project import Project

NAME: Final = "information-gain"
TITLE: Final = "Information gain: points for each thousand pairs"
_MEASURE: Final = "points for 1,000 pairs"


def analyse(project: Project) -> Analysis:
    """Every experiment on every benchmark, and how many times an experiment's gain is another's.

    A ratio has no meaning where either gain is not positive: it is null, never a number.

    Raises:
        UserError: nothing was scored yet.
    """
    measured: list[Measured] = []
    gains: dict[tuple[str, str], float] = {}
    for score, checkpoint in overall_scores(project):
        pairs, benchmark, experiment = checkpoint["pairs"], score["benchmark"], score["experiment"]
        gain = information_gain(100 * score["difference"], 0.0, pairs)
        low, high = (  # lmms-eval gives no interval
            None if bound is None else information_gain(100 * bound, 0.0, pairs)
            for bound in (score["difference_low"], score["difference_high"])
        )
        gains[experiment, benchmark] = gain
        measured.append(Measured(experiment, benchmark, "all", _MEASURE, gain, low, high, score["items"]))
        measured.append(Measured(experiment, benchmark, "all", "pairs", float(pairs)))
    rows = [(one.cell, one.benchmark, _text(one)) for one in measured if one.measure == _MEASURE]
    ratios = []
    for (first, benchmark), gain in gains.items():
        for (second, other), theirs in gains.items():
            if benchmark == other and first != second:
                ratio = gain_ratio(gain, theirs)
                measured.append(Measured(first, benchmark, "all", f"times the gain of {second}", ratio))
                ratios.append((first, second, benchmark, None if ratio is None else round(ratio, 2)))
    labels = list(dict.fromkeys(benchmark for _, benchmark in gains))
    experiments = list(dict.fromkeys(experiment for experiment, _ in gains))
    points = {(one.cell, one.benchmark): _point(one) for one in measured if one.measure == _MEASURE}
    series = {name: [points.get((name, label)) for label in labels] for name in experiments}
    sections = [
        Section(
            "Ours",
            ("Accuracy points gained over the base model, for each thousand pairs; with the score's 95 % interval.",),
            Plot(bars(labels, series, _MEASURE), "points for each thousand pairs, by benchmark and experiment"),
            (Table(("experiment", "benchmark", _MEASURE), rows),),
        )
    ]
    if ratios:
        note = "How many times one experiment's gain is another's; none where either gain is not positive."
        sections.append(
            Section("Ratios", (note,), tables=(Table(("experiment", "against", "benchmark", "times"), ratios),))
        )
    sections.append(_papers())
    return Analysis(NAME, measured, Report(TITLE, "What a thousand pairs are worth.", (), tuple(sections)))


def _papers() -> Section:
    rows = [
        (claim.benchmark, claim.against, claim.stated, None if claim.recomputed is None else round(claim.recomputed, 2))
        for claim in information_gain_claims()
    ]
    return Section(
        "VideoPASTA (paper), figures 6 and 7",
        ("VideoPASTA's gain as a multiple of another method's: as stated, and as the paper's table 1 gives it.",),
        tables=(Table(("benchmark", "against", "stated", "recomputed"), rows, frozenset(range(len(rows)))),),
    )


def _point(one: Measured) -> Point | None:
    return None if one.value is None else Point(one.value, one.low, one.high)


def _text(one: Measured) -> str:
    interval = "" if one.low is None or one.high is None else f" [{one.low:+.2f}, {one.high:+.2f}]"
    return f"{one.value:+.2f}{interval}"
