"""The page of an experiment: one HTML file that opens from disk, with plots inside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from videopasta_assets.experiments.comparison import OVERALL, Effect
from videopasta_assets.experiments.history import Trial, differing
from videopasta_assets.experiments.plots import effects_plot, reward_plot
from videopasta_assets.experiments.quality import Table
from videopasta_assets.experiments.training_runs import Budget, Curve
from videopasta_assets.experiments.truth import arm_named


@dataclass(frozen=True)
class Page:
    """Everything that the page shows.

    Attributes:
        split: `benchmark`, or the split that settings are chosen on.
        effects: arms against the base, by mode.
        against: DPO on verified pairs against other arms, by mode, by the other arm's name.
        refusals: arms against the base on items that must be refused and their controls, by kind.
        blind: (category or mode, items, accuracy) of a guesser that reads the items and never looks.
        oracle: tables of the oracle, by heading.
        budgets: what training each arm took.
        curves: rewards over steps.
        trials: all runs in this folder.
        seconds: wall time of this call; what was finished before is not in it.
    """

    title: str
    command: str
    machine: str
    model: str
    split: str
    effects: Sequence[Effect]
    against: Mapping[str, Sequence[Effect]]
    refusals: Sequence[Effect]
    blind: Sequence[tuple[str, int, float]]
    oracle: Mapping[str, Table]
    budgets: Sequence[Budget]
    curves: Mapping[str, Mapping[str, Curve]]
    trials: Sequence[Trial]
    seconds: float


def render(page: Page) -> str:
    """The page as HTML; every text from outside is escaped."""
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(page.title)}</title><style>{_STYLE}</style>",
        f"<h1>{escape(page.title)}</h1>",
        f"<p>{escape(verdict(page))}</p>",
        f"<h2>Accuracy on held-out videos, split {escape(page.split)}</h2>",
        effects_plot(page.effects) if page.effects else "",
        _effects_table(page.effects, "base"),
    ]
    for other, effects in page.against.items():
        parts += [f"<h2>DPO on verified pairs against {escape(arm_named(other).meaning)}</h2>"]
        parts += [_effects_table(effects, other)]
    if page.refusals:
        parts += [
            "<h2>Refusing what must be refused, and nothing else</h2>",
            "<p>Unanswerable: about a thing that is not in the video. None of the above: no option is right. "
            "In a control the question looks alike and refusing is wrong.</p>",
            effects_plot(page.refusals),
            _effects_table(page.refusals, "base"),
        ]
    parts += [
        "<h2>What a guesser gets that never looks</h2>",
        "<p>Taught on the texts of other items which option tends to be right; chance is 25 %.</p>",
        _table(("category or mode", "items", "accuracy"), page.blind),
        "<h2>Budgets</h2>",
        _table(
            ("arm", "runs", "pairs", "steps", "final reward accuracy", "seconds a run"),
            [(b.arm, b.seeds, b.pairs, b.steps, b.reward_accuracy, f"{b.seconds:.0f}") for b in page.budgets],
        ),
        f"<p>{escape(_unequal(page.budgets))}</p>",
        "<h2>Training</h2>",
        reward_plot(page.curves),
    ]
    for heading, (names, rows) in page.oracle.items():
        parts += [f"<h2>{escape(heading)}</h2>", _table(names, rows)]
    parts += [
        "<h2>What was tried in this folder</h2>",
        _trials_table(page.trials),
        f"<h2>How it was made</h2><pre>{escape(page.command)}</pre>",
        f"<p>{escape(page.machine)}; base {escape(page.model)}; {page.seconds / 60:.0f} minutes for this call.</p>",
    ]
    return "\n".join(parts)


def verdict(page: Page) -> str:
    """What came out, in sentences; a model that got worse is said to be worse."""
    recipe = {effect.scope: effect for effect in page.effects if effect.arm == "dpo_verified"}
    if OVERALL not in recipe:
        return "DPO on verified pairs was not scored."
    modes = [scope for scope in recipe if scope != OVERALL]
    better = [scope for scope in modes if recipe[scope].low > 0]
    worse = [scope for scope in modes if recipe[scope].high < 0]
    sentences = [
        f"DPO on verified pairs changes accuracy by {_interval(recipe[OVERALL])}: significantly better in "
        f"{', '.join(better) or 'no mode'}, significantly worse in {', '.join(worse) or 'no mode'}."
    ]
    for other, effects in page.against.items():
        overall = next((effect for effect in effects if effect.scope == OVERALL), None)
        if overall is not None:
            sentences.append(f"Against {other}: {_interval(overall)}.")
    if page.split != "benchmark":
        sentences.append("These are videos on which settings are chosen, not the benchmark.")
    return " ".join(sentences)


def _unequal(budgets: Sequence[Budget]) -> str:
    most = max((budget.pairs for budget in budgets), default=0)
    short = [f"{budget.arm} ({budget.pairs})" for budget in budgets if budget.pairs < most]
    return f"Fewer pairs than the others, because no more were there: {', '.join(short)}." if short else ""


def _effects_table(effects: Sequence[Effect], base: str) -> str:
    return _table(
        ("arm", "items of", "items", "runs", base, "arm's accuracy", "difference, 95 % interval"),
        [
            (effect.arm, effect.scope, effect.items, effect.seeds, effect.base, effect.tuned, _interval(effect))
            for effect in effects
        ],
    )


def _trials_table(trials: Sequence[Trial]) -> str:
    names = differing(trials)
    arms = list(dict.fromkeys(arm for trial in trials for arm in trial.differences))
    rows = []
    for trial in trials:
        found = [trial.differences.get(arm) for arm in arms]
        shown = [
            "-" if one is None else f"{100 * one[0]:+.1f} ({100 * one[1]:+.1f} to {100 * one[2]:+.1f})" for one in found
        ]
        rows.append((trial.split, *(str(trial.options.get(name)) for name in names), *shown))
    return _table(("split", *names, *arms), rows)


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    head = "".join(f"<th>{escape(column)}" for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(_cell(cell))}" for cell in row) for row in rows)
    return f"<table><tr>{head}{body}</table>"


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return f"{100 * value:.1f} %" if isinstance(value, float) else str(value)


def _interval(effect: Effect) -> str:
    return f"{100 * effect.difference:+.1f} points ({100 * effect.low:+.1f} to {100 * effect.high:+.1f})"


_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
table{border-collapse:collapse;margin:1rem 0}th,td{padding:.25rem .7rem;border-bottom:1px solid #ddd;text-align:left}
svg{max-width:100%;height:auto}pre{background:#f5f5f5;padding:.7rem;overflow:auto}
"""
