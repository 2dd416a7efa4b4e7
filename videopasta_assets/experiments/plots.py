"""Plots of an experiment's page, as SVG text."""

import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from videopasta_assets.experiments.comparison import Effect
from videopasta_assets.experiments.training_runs import CURVES, Curve

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def effects_plot(effects: Sequence[Effect]) -> str:
    """A panel a scope, a line an arm: the difference to the base model with its 95 % interval."""
    from matplotlib.figure import Figure

    arms = list(dict.fromkeys(effect.arm for effect in effects))
    scopes = list(dict.fromkeys(effect.scope for effect in effects))
    figure = Figure(figsize=(10, 1.2 + 0.5 * len(arms)), layout="constrained")
    axes = figure.subplots(1, len(scopes), sharey=True, squeeze=False)[0]
    for axis, scope in zip(axes, scopes, strict=True):
        axis.axvline(0, color="0.6", linewidth=1)
        axis.set_title(scope.replace("_", " "), fontsize=8)
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
    return _svg(figure)


def reward_plot(curves: Mapping[str, Mapping[str, Curve]]) -> str:
    """A panel a metric, a line an arm, over optimizer steps; empty where nothing was logged."""
    from matplotlib.figure import Figure

    if not any(curves.values()):
        return ""
    figure = Figure(figsize=(10, 3), layout="constrained")
    for axis, (metric, title) in zip(figure.subplots(1, len(CURVES)), CURVES.items(), strict=True):
        for arm, points in curves[metric].items():
            axis.plot([step for step, _ in points], [value for _, value in points], marker=".", label=arm)
        axis.set_title(title, fontsize=9)
        axis.set_xlabel("optimizer step", fontsize=8)
        axis.tick_params(labelsize=8)
        axis.grid(alpha=0.3)
    figure.axes[0].legend(fontsize=7)
    return _svg(figure)


def _svg(figure: "Figure") -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg")
    drawn = text.getvalue()
    return drawn[drawn.index("<svg") :]
