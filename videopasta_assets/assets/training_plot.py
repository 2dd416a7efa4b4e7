"""A picture of a training run: rewards and their accuracy by failure mode, as in figure 4 of the paper."""

import io
import json
from pathlib import Path
from typing import Any, Final

from videopasta_assets.taxonomy import MODES

_PANELS: Final = (("rewards/accuracies", "reward accuracy"), ("rewards/margins", "reward margin"))


def read_log(path: Path) -> list[dict[str, Any]]:
    """Logged steps, oldest first; a line that a kill cut short is left out."""
    steps = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            step = json.loads(line)
        except json.JSONDecodeError:
            continue
        if "step" in step:
            steps.append(step)
    return steps


def training_plot(steps: list[dict[str, Any]]) -> bytes:
    """PNG with a panel a metric and a line a failure mode; `steps` are logged metrics, each with its `step`."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 2.6), dpi=90, layout="constrained")
    for panel, (metric, title) in zip(figure.subplots(1, len(_PANELS)), _PANELS, strict=True):
        for mode in MODES:
            points = [(step["step"], step[name]) for step in steps if (name := f"{metric}/{mode}") in step]
            panel.plot([x for x, _ in points], [y for _, y in points], marker=".", label=mode.value)
        panel.set_title(title, fontsize=9)
        panel.set_xlabel("optimizer step", fontsize=8)
        panel.tick_params(labelsize=7)
        panel.grid(alpha=0.3)
    figure.axes[0].set_ylim(0, 1.05)
    figure.axes[0].legend(fontsize=7)
    png = io.BytesIO()
    figure.savefig(png, format="png")
    return png.getvalue()
