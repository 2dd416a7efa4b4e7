"""What VideoPASTA (arXiv 2504.14096) reports, shown beside ours under its own name. Never a target.

Its numbers come from other videos, other models and another judge.
"""

from typing import Final

from videopasta_assets.evaluation.references import VIDEOPASTA, reference_scores

NAME: Final = "VideoPASTA (paper)"

POTENTIAL_PAIRS: Final = 90_000
"""3,000 videos x 10 queries x 3 adversaries (section 4)."""

PAIRS: Final = 7_020
RETENTION: Final = 0.078
"""Slot retention (section 4, appendix A.3.1)."""

TARGETING: Final = {"spatial": 0.961, "temporal": 0.924, "cross_frame": 0.883}
"""Share of adversaries that a blind GPT-4o put into their own mode (table 8)."""

TRAINING_DYNAMICS: Final = (
    "figure 4 of the paper: reward accuracy settles at 70 to 75 % (text); read off the figure, the chosen reward "
    "rises to about 0.8 to 1.4 and the rejected one rises to about 0.9 near step 50, then falls to about 0"
)

_TABLE: Final = {
    (row.model, row.benchmark): row.value for row in reference_scores() if (row.paper, row.table) == (VIDEOPASTA, "T1")
}
SCORES: Final = {
    benchmark: (value, _TABLE["Qwen2.5-VL + VideoPASTA", benchmark])
    for (model, benchmark), value in _TABLE.items()
    if model == "Qwen2.5-VL"
}
"""Accuracy in percent of Qwen2.5-VL before and after VideoPASTA (table 1); the paper gives no intervals."""


def score_of(benchmark: str) -> tuple[float, float] | None:
    """The paper's accuracies on a benchmark of that name, written in any way; None if it has none."""
    wanted = _plain(benchmark)
    return next((pair for name, pair in SCORES.items() if _plain(name) == wanted), None)


def _plain(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())
