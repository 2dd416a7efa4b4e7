"""Plots of the reports, drawn by matplotlib: as SVG that takes the page's colours, or as PNG for Dagster."""

import io
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from itertools import cycle
from typing import TYPE_CHECKING, Any, Final, ParamSpec

from videopasta_assets.taxonomy import MODES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MODE_COLOURS: Final = dict(zip((mode.value for mode in MODES), ("#3b82c4", "#d9822b", "#2a9d76"), strict=True))
_GOOD, _BAD, _NEUTRAL = "#2a9d76", "#cf4d3f", "#8a8f98"
_REJECTED: Final = (_BAD, "#d9822b", "#8a6fb0", "#8a8f98", "#b5a642")
"""Of verdicts that are none of them like accepted."""
_INK: Final = "#010203"
"""Stands for the page's own colour of text."""
_STYLE: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",  # text stays text, in the page's font
    "svg.hashsalt": "videopasta",  # equal plots are equal files
    "text.parse_math": False,  # a name with dollar signs is a name
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    **dict.fromkeys(("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"), _INK),
}


Plot = ParamSpec("Plot")


def _styled(plot: "Callable[Plot, Figure]") -> "Callable[Plot, Figure]":
    """Draw in our style: a text takes its colour when it is made."""

    @wraps(plot)
    def drawn(*args: Plot.args, **kwargs: Plot.kwargs) -> "Figure":
        from matplotlib import rc_context

        with rc_context(_STYLE):
            return plot(*args, **kwargs)

    return drawn


def svg(figure: "Figure", meaning: str) -> str:
    """The figure as an SVG element for a page; `meaning` is read to those who do not see it."""
    from html import escape

    from matplotlib import rc_context

    text = io.StringIO()
    with rc_context(_STYLE):
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None})
    drawn = text.getvalue().replace(_INK, "currentColor")
    return drawn[drawn.index("<svg") :].replace("<svg", f'<svg role="img" aria-label="{escape(meaning)}"', 1)


def png(figure: "Figure") -> bytes:
    """The figure as a PNG on white."""
    picture = io.BytesIO()
    figure.savefig(picture, format="png", facecolor="white", dpi=90)
    return picture.getvalue()


@_styled
def funnel(stages: Sequence[tuple[str, int]]) -> "Figure":
    """Bars that get shorter: how much of each stage is left in the next."""
    figure, axes = _single(7.6, 0.5 + 0.36 * len(stages))
    places = range(len(stages))
    axes.barh(places, [count for _, count in stages], color="#3b82c4", height=0.7)
    for place, (_, count) in zip(places, stages, strict=True):
        axes.annotate(f" {count:,}", (count, place), va="center")
    axes.set_yticks(places, [name for name, _ in stages])
    axes.invert_yaxis()
    axes.xaxis.set_visible(False)
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(left=False)
    axes.margins(x=0.12)
    return figure


@_styled
def shares(by_mode: Mapping[str, float | None], reference: float | None = None, label: str = "") -> "Figure":
    """A bar a failure mode, in percent, with a reference line."""
    figure, axes = _single(7.6, 1.9)
    modes = list(by_mode)
    heights = [100 * (share or 0.0) for share in by_mode.values()]
    axes.barh(range(len(modes)), heights, color=[MODE_COLOURS.get(mode, _NEUTRAL) for mode in modes], height=0.65)
    for place, share in enumerate(by_mode.values()):
        axes.annotate(" -" if share is None else f" {100 * share:.1f} %", (heights[place], place), va="center")
    if reference is not None:
        axes.axvline(100 * reference, color=_INK, linestyle="--", linewidth=1)
        axes.annotate(label, (100 * reference, -0.62), xytext=(3, 0), textcoords="offset points", fontsize=8)
    axes.set_yticks(range(len(modes)), modes)
    axes.set_ylim(len(modes) - 0.5, -0.9)
    axes.set_xlabel("percent")
    axes.margins(x=0.12)
    return figure


@_styled
def stacked(counts: Mapping[str, Mapping[str, int]]) -> "Figure":
    """A bar a row of `counts`, its parts as shares; every row has the same parts."""
    figure, axes = _single(7.6, 1.0 + 0.42 * len(counts))
    parts = list(dict.fromkeys(part for row in counts.values() for part in row))
    others = (part for part in parts if part != "accepted")
    colours = {"accepted": _GOOD, **dict(zip(others, cycle(_REJECTED), strict=False))}
    for place, row in enumerate(counts.values()):
        total, left = sum(row.values()), 0.0
        for part in parts:
            width = 100 * row.get(part, 0) / total if total else 0.0
            axes.barh(
                place,
                width,
                left=left,
                color=colours[part],
                height=0.65,
                label=part.replace("_", " ") if place == 0 else None,
            )
            left += width
    axes.set_yticks(range(len(counts)), list(counts))
    axes.invert_yaxis()
    axes.set_xlabel("percent of attempts")
    axes.set_xlim(0, 100)
    if parts:
        figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=8)
    return figure


@_styled
def lengths(chosen: Sequence[int], rejected: Sequence[int]) -> "Figure":
    """Histograms of the answers' lengths in words."""
    figure, axes = _single(7.6, 2.2)
    longest = max([1, *chosen, *rejected])
    edges = [longest * edge / 24 for edge in range(25)] if longest > 24 else list(range(longest + 2))
    for values, colour, name in ((chosen, _GOOD, "chosen"), (rejected, _BAD, "rejected")):
        axes.hist(values, edges, histtype="stepfilled", alpha=0.35, color=colour)
        axes.hist(values, edges, histtype="step", color=colour, label=name)
    axes.set_xlabel("words")
    axes.set_ylabel("pairs")
    axes.legend(frameon=False)
    return figure


_PANELS: Final = (
    ("rewards/accuracies", "reward accuracy"),
    ("rewards/chosen", "chosen reward"),
    ("rewards/rejected", "rejected reward"),
)


@_styled
def training_curves(steps: Sequence[Mapping[str, float]]) -> "Figure":
    """Reward accuracy, chosen and rejected reward by step: all pairs, and each failure mode, as in figure 4."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 2.8), layout="constrained")
    for axes, (metric, title) in zip(figure.subplots(1, len(_PANELS)), _PANELS, strict=True):
        lines = [(metric, "all", _INK, 2.0)]
        lines += [(f"{metric}/{mode}", mode, colour, 1.2) for mode, colour in MODE_COLOURS.items()]
        for name, label, colour, width in lines:
            points = [(step["step"], step[name]) for step in steps if name in step]
            axes.plot(*zip(*points, strict=True) if points else ((), ()), color=colour, linewidth=width, label=label)
        axes.set_title(title, fontsize=9)
        axes.set_xlabel("optimizer step")
        axes.grid(alpha=0.25)
    figure.axes[0].set_ylim(-0.02, 1.05)
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside upper center", ncols=4, frameon=False)
    return figure


@_styled
def differences(rows: Sequence[tuple[str, float, float | None, float | None]]) -> "Figure":
    """Points of accuracy with their intervals, where they have one: (name, difference, low, high), from -1 to 1."""
    figure, axes = _single(7.6, 0.9 + 0.34 * len(rows))
    axes.axvline(0, color=_INK, linewidth=1)
    for place, (_, difference, low, high) in enumerate(rows):
        colour = _NEUTRAL
        if low is not None and high is not None:
            colour = _GOOD if low > 0 else _BAD if high < 0 else _NEUTRAL
            axes.plot([100 * low, 100 * high], [place, place], color=colour, linewidth=2.2)
        axes.plot([100 * difference], [place], "o", color=colour, markersize=5)
    axes.set_yticks(range(len(rows)), [name for name, *_ in rows])
    axes.set_ylim(max(1, len(rows)) - 0.5, -0.5)
    axes.set_xlabel("points of accuracy, after minus before, 95 % interval")
    axes.grid(axis="x", alpha=0.25)
    return figure


def _single(width: float, height: float) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots()
