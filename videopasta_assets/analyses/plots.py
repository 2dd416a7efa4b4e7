"""Plots that analyses share: matplotlib figures, made without a display."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_GROUND: Final = "0.55"


@dataclass(frozen=True)
class Point:
    """A value with its interval, where it has one."""

    value: float
    low: float | None = None
    high: float | None = None


def bars(
    labels: Sequence[str], series: Mapping[str, Sequence[Point | None]], axis: str, *, zero: bool = True
) -> "Figure":
    """Groups of bars with intervals: a group a label, a bar a series."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(max(6.0, 1.1 * len(labels) + 2), 3.6), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / max(1, len(series))
    for number, (name, points) in enumerate(series.items()):
        places = [place + (number - (len(series) - 1) / 2) * width for place in range(len(labels))]
        there = [(place, point) for place, point in zip(places, points, strict=True) if point is not None]
        axes.bar([place for place, _ in there], [point.value for _, point in there], width, label=name)
        for place, point in there:
            if point.low is not None and point.high is not None:
                axes.plot([place, place], [point.low, point.high], color="0.2", linewidth=1.2)
    axes.set_xticks(range(len(labels)), labels, rotation=20 if max(map(len, labels), default=0) > 12 else 0, fontsize=8)
    if zero:
        axes.axhline(0, color=_GROUND, linewidth=0.8)
    _finish(axes, axis, len(series))
    return figure


def lines(series: Mapping[str, Sequence[tuple[float, Point]]], across: str, axis: str) -> "Figure":
    """A line a series, its intervals as a band."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 3.6), layout="constrained")
    axes = figure.subplots()
    for name, points in series.items():
        at = [place for place, _ in points]
        (line,) = axes.plot(at, [point.value for _, point in points], marker="o", markersize=4, label=name)
        if points and all(point.low is not None and point.high is not None for _, point in points):
            low = [point.low if point.low is not None else point.value for _, point in points]
            high = [point.high if point.high is not None else point.value for _, point in points]
            axes.fill_between(at, low, high, alpha=0.15, color=line.get_color())
    axes.set_xlabel(across, fontsize=9)
    _finish(axes, axis, len(series))
    return figure


def scatter(points: Mapping[str, Sequence[tuple[float, float]]], shown: str) -> "Figure":
    """Two panels of the same map: without the series `shown`, and with it."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.6), layout="constrained")
    for place, axes in enumerate(figure.subplots(1, 2, sharex=True, sharey=True)):
        for name, found in points.items():
            if found and (place == 1 or name != shown):
                axes.scatter([x for x, _ in found], [y for _, y in found], s=7, label=name, alpha=0.7)
        axes.set_title(f"with {shown}" if place else f"without {shown}", fontsize=9)
        axes.set_xticks([])
        axes.set_yticks([])
    figure.axes[1].legend(fontsize=7, markerscale=2)
    return figure


def _finish(axes: object, label: str, series: int) -> None:
    from matplotlib.axes import Axes

    if isinstance(axes, Axes):
        axes.set_ylabel(label, fontsize=9)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.25, axis="y")
        if series > 1:
            axes.legend(fontsize=8)
