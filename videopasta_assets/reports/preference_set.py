"""The report of a preference set: where its pairs came from, what was rejected and why, and what it cost."""

import statistics
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

from videopasta_assets.reports import figures, paper
from videopasta_assets.reports.document import Page, Plot, Report, Section, Table, percent, points, render
from videopasta_assets.reports.tally import Tally, tally
from videopasta_assets.stages import preference_set
from videopasta_assets.stages.project import Project

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_preference_set_report(project: Project, counted: Tally | None = None) -> Page | None:
    """Write the page of the current set beside the lake's tables; None while there is no set.

    Args:
        project: whose set it is.
        counted: its tally, where the caller has it already.

    Raises:
        LakeError: it cannot be written.
    """
    rows = project.lake.rows(project.address("preference_set", preference_set.ALL))
    if not rows:
        return None
    set_hash = rows[0]["preference_set"]
    report = preference_set_report(project, set_hash, counted or tally(project))
    name = f"reports/{project.recipe}/preference_set-{set_hash[:16]}.html"
    return Page(report, project.lake.write_file(name, render(report).encode()))


def preference_set_report(project: Project, set_hash: str, counted: Tally) -> Report:
    """The report from what was counted."""
    members = dict(counted.stages)["in the preference set"]
    models = {role: project.model_id(role) for role in ("query_writer", "responder", "verifier")}
    return Report(
        title=f"Preference set {set_hash[:12]}",
        summary=(
            f"{members:,} pairs: {percent(counted.pairs / counted.slots) if counted.slots else 'none'} of "
            f"{counted.slots:,} potential pairs passed, after {counted.attempts:,} attempts."
        ),
        facts=[
            ("content hash", set_hash),
            ("recipe", project.recipe),
            ("manifest", f"preference_sets/{project.recipe}/{set_hash}.json"),
            ("written", _written_at(project)),
            *((f"model: {role.replace('_', ' ')}", model) for role, model in models.items()),
            ("attempts a slot, at most", project.settings.recipe.max_attempts),
        ],
        sections=[
            _funnel(counted),
            _retention(counted),
            _reasons(counted),
            _strategies(counted),
            *([_lengths(counted)] if counted.lengths else []),
            *([_people(counted)] if counted.agreement else []),
            *([_oracle(counted)] if counted.oracle else []),
            _costs(counted),
        ],
    )


def _written_at(project: Project) -> str:
    manifest = project.lake.manifest(project.address("preference_set", preference_set.ALL))
    return "" if manifest is None else manifest.written_at[:16].replace("T", " ") + " UTC"


def _funnel(counted: Tally) -> Section:
    return Section(
        "From videos to pairs",
        plot=Plot(figures.funnel(counted.stages), "Rows of each stage, from videos to the preference set"),
    )


def retention_plot(counted: Tally) -> "Figure":
    """Slot retention by failure mode, with the paper's value."""
    label = f"{paper.NAME} {percent(paper.RETENTION)}"
    return figures.shares({mode.mode: mode.retention for mode in counted.modes}, paper.RETENTION, label)


def _retention(counted: Tally) -> Section:
    rows: list[tuple[Any, ...]] = [
        (*astuple(mode), percent(mode.retention), percent(mode.acceptance)) for mode in counted.modes
    ]
    share = counted.pairs / counted.slots if counted.slots else None
    acceptance = counted.accepted / counted.attempts if counted.attempts else None
    totals = (counted.slots, counted.attempts, counted.accepted, counted.pairs)
    rows.append(("all", *totals, percent(share), percent(acceptance)))
    rows.append((paper.NAME, paper.POTENTIAL_PAIRS, None, None, paper.PAIRS, percent(paper.RETENTION), None))
    return Section(
        "Retention by failure mode",
        (
            "Slot retention is pairs by potential pairs (videos x questions x adversaries), attempt acceptance is what "
            "the verifier accepted by everything that was asked for. Where people decide, pairs and accepted attempts "
            "differ. The paper's value comes from other videos and models.",
        ),
        Plot(retention_plot(counted), "Slot retention by failure mode, with the paper's value"),
        (
            Table(
                ("mode", "slots", "attempts", "accepted", "pairs", "slot retention", "attempt acceptance"),
                rows,
                frozenset({len(rows) - 1}),
            ),
        ),
    )


def _reasons(counted: Tally) -> Section:
    if not counted.verdicts:
        return Section("Verdicts", ("Nothing was judged yet.",))
    kinds = list(dict.fromkeys(kind for row in counted.verdicts.values() for kind in row))
    rows = [
        (
            kind.replace("_", " "),
            *(counts.get(kind, 0) for counts in counted.verdicts.values()),
            sum(counts.get(kind, 0) for counts in counted.verdicts.values()),
        )
        for kind in kinds
    ]
    return Section(
        "Verdicts",
        ("Every attempt with its verdict; rejected ones are kept with their reasons.",),
        Plot(figures.stacked(counted.verdicts), "Verdicts by failure mode, in percent of attempts"),
        (Table(("verdict", *counted.verdicts, "all"), rows),),
    )


def _strategies(counted: Tally) -> Section:
    rows = [
        (mode, strategy.replace("_", " "), attempts, accepted, percent(accepted / attempts))
        for mode, strategy, attempts, accepted in counted.strategies
    ]
    return Section(
        "Strategies", tables=(Table(("mode", "strategy", "attempts", "accepted", "attempt acceptance"), rows),)
    )


def _lengths(counted: Tally) -> Section:
    chosen, rejected = ([pair[side] for pair in counted.lengths] for side in (0, 1))
    gap = statistics.mean(chosen) - statistics.mean(rejected)
    longer = sum(one > other for one, other in counted.lengths) / len(counted.lengths)
    rows = [
        (name, statistics.mean(side), statistics.median(side), max(side))
        for name, side in (("chosen", chosen), ("rejected", rejected))
    ]
    return Section(
        "Lengths of the answers",
        (
            f"Chosen answers are {abs(gap):.1f} words {'longer' if gap > 0 else 'shorter'} on average, and longer in "
            f"{percent(longer)} of the pairs: a model could learn that instead of what is true.",
        ),
        Plot(figures.lengths(chosen, rejected), "Histogram of the answers' lengths in words"),
        (Table(("answer", "mean words", "median", "longest"), rows),),
    )


def _people(counted: Tally) -> Section:
    agreement = counted.agreement
    if agreement is None:
        return Section("People and the verifier", ("Nobody judged yet.",))
    return Section(
        "People and the verifier",
        ("A person's decision wins. Agreement is counted over the attempts that a person decided on.",),
        tables=(
            Table(
                ("decided", "people", "agreement", "only the person accepted", "only the verifier accepted"),
                [
                    (
                        agreement.decided,
                        agreement.authors,
                        percent(agreement.same / agreement.decided),
                        agreement.only_person_accepted,
                        agreement.only_verifier_accepted,
                    )
                ],
            ),
        ),
    )


def _oracle(counted: Tally) -> Section:
    rows: list[tuple[Any, ...]] = [
        (mode, pairs, percent(right), percent(on_target), percent(good))
        for mode, pairs, right, on_target, good in counted.oracle
    ]
    ours = len(rows)
    rows += [(f"{mode}: {paper.NAME}", None, None, percent(share), None) for mode, share in paper.TARGETING.items()]
    gaps = [on_target - paper.TARGETING[mode] for mode, _, _, on_target, _ in counted.oracle if mode in paper.TARGETING]
    return Section(
        "What the pairs are, by the oracle",
        (
            "The toy world knows the truth: whether the chosen answer is right, and whether the rejected one is false "
            "in the mode that it targets. The paper asked a blind GPT-4o about the latter, on its own data"
            + (f"; ours differ by {points(min(gaps))} to {points(max(gaps))} points." if gaps else "."),
        ),
        tables=(
            Table(
                ("mode", "pairs", "chosen answers rightly", "rejected on target", "good pair"),
                rows,
                frozenset(range(ours, len(rows))),
            ),
        ),
    )


def _costs(counted: Tally) -> Section:
    pairs = counted.pairs
    rows = [
        (
            role,
            calls,
            tokens,
            None if seconds is None else round(seconds, 1),
            None if tokens is None or not pairs else round(tokens / pairs),
            None if seconds is None or not pairs else round(seconds / pairs, 3),
        )
        for role, calls, tokens, seconds in counted.costs
    ]
    columns = ("step", "replies", "tokens", "engine seconds", "tokens a pair", "seconds a pair")
    return Section(
        "Cost", ("Of the rows that are there now; replaced ones are not counted.",), None, (Table(columns, rows),)
    )
