"""The page of an experiment: one HTML file that opens from disk, with plots inside."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from videopasta_assets.experiments.comparison import OVERALL, SCOPES, Effect, arm_named

PAPER_TARGETING = {"spatial": 96.1, "temporal": 92.4, "cross_frame": 88.3}
"""VideoPASTA table 8 (GPT-4o as judge, their data): shown as theirs, for orientation."""


@dataclass(frozen=True)
class Page:
    """Everything that the page shows."""

    title: str
    command: str
    machine: str
    model: str
    effects: Sequence[Effect]
    verified_minus_sft: tuple[float, float, float] | None
    verified_minus_unfiltered: tuple[float, float, float] | None
    pairs: Sequence[tuple[str, int, float, float, float, float]]
    verifier: Sequence[tuple[str, int, float | None, float | None]]
    seconds: float


def render(page: Page) -> str:
    """The page as HTML; every text from outside is escaped."""
    parts = [
        f"<!doctype html><html lang=en><meta charset=utf-8><title>{escape(page.title)}</title><style>{_STYLE}</style>",
        f"<h1>{escape(page.title)}</h1>",
        f"<p>{escape(_verdict(page))}</p>",
        _plot(page.effects),
        "<h2>Accuracy on the held-out benchmark</h2>",
        _table(
            ("arm", "mode", "items", "seeds", "base", "tuned", "difference", "95 % interval"),
            [
                (
                    arm_named(effect.arm).meaning,
                    effect.scope,
                    effect.items,
                    effect.seeds,
                    _percent(effect.base),
                    _percent(effect.tuned),
                    _points(effect.difference),
                    f"{_points(effect.low)} to {_points(effect.high)}",
                )
                for effect in page.effects
            ],
        ),
        "<h2>What the pairs are, by the oracle</h2>",
        _table(
            ("pairs", "number", "every claim of chosen true", "chosen answers rightly", "rejected on target", "good"),
            [(name, number, *map(_percent, shares)) for name, number, *shares in page.pairs],
        ),
        "<h2>How far the verifier can be trusted, by the oracle</h2>",
        "<p>By text: does the adversary contradict the aligned answer in the targeted mode. By truth: is the aligned "
        "answer true as well, and the adversary false; a verifier that reads text alone cannot know that.</p>",
        _table(
            ("yardstick", "attempts", "precision", "recall"),
            [
                (name, number, _percent(precision), _percent(recall))
                for name, number, precision, recall in page.verifier
            ],
        ),
        f"<h2>How it was made</h2><pre>{escape(page.command)}</pre>",
        f"<p>{escape(page.machine)}; base model {escape(page.model)}; {page.seconds / 60:.0f} minutes.</p>",
    ]
    return "\n".join(parts)


def _verdict(page: Page) -> str:
    recipe = {effect.scope: effect for effect in page.effects if effect.arm == "dpo_verified"}
    if OVERALL not in recipe:
        return "DPO on verified pairs was not scored."
    better = [scope for scope in SCOPES[:-1] if scope in recipe and recipe[scope].low > 0]
    worse = [scope for scope in SCOPES[:-1] if scope in recipe and recipe[scope].high < 0]
    sentences = [
        f"DPO on verified pairs changes accuracy by {_points(recipe[OVERALL].difference)} points "
        f"({_points(recipe[OVERALL].low)} to {_points(recipe[OVERALL].high)}): significantly better in "
        f"{', '.join(better) or 'no mode'}, significantly worse in {', '.join(worse) or 'no mode'}."
    ]
    for other, difference in (
        ("SFT", page.verified_minus_sft),
        ("DPO on unfiltered pairs", page.verified_minus_unfiltered),
    ):
        if difference is not None:
            mean, low, high = difference
            sentences.append(f"Against {other}: {_points(mean)} points ({_points(low)} to {_points(high)}).")
    return " ".join(sentences)


def _plot(effects: Sequence[Effect]) -> str:
    from matplotlib.figure import Figure

    arms = list(dict.fromkeys(effect.arm for effect in effects))
    figure = Figure(figsize=(9, 1.2 + 0.5 * len(arms)), layout="constrained")
    axes = figure.subplots(1, len(SCOPES), sharey=True, squeeze=False)[0]
    for axis, scope in zip(axes, SCOPES, strict=True):
        axis.axvline(0, color="0.6", linewidth=1)
        axis.set_title(scope, fontsize=9)
        for place, arm in enumerate(arms):
            effect = next((item for item in effects if (item.arm, item.scope) == (arm, scope)), None)
            if effect is not None:
                colour = "#1a7f5a" if effect.low > 0 else "#b3261e" if effect.high < 0 else "0.45"
                axis.plot([100 * effect.low, 100 * effect.high], [place, place], color=colour, linewidth=2)
                axis.plot([100 * effect.difference], [place], "o", color=colour, markersize=5)
        axis.tick_params(labelsize=8)
    axes[0].set_yticks(range(len(arms)), arms)
    axes[0].invert_yaxis()
    figure.supxlabel("points of accuracy against the base model, 95 % interval", fontsize=9)
    text = io.StringIO()
    figure.savefig(text, format="svg")
    drawn = text.getvalue()
    return drawn[drawn.index("<svg") :]


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    head = "".join(f"<th>{escape(column)}" for column in columns)
    body = "".join("<tr>" + "".join(f"<td>{escape(str(cell))}" for cell in row) for row in rows)
    return f"<table><tr>{head}{body}</table>"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def _points(share: float) -> str:
    return f"{100 * share:+.1f}"


_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222;background:#fff}
table{border-collapse:collapse;margin:1rem 0}th,td{padding:.25rem .7rem;border-bottom:1px solid #ddd;text-align:left}
svg{max-width:100%;height:auto}pre{background:#f5f5f5;padding:.7rem;overflow:auto}
"""
