"""How work spreads down a shard's stages: estimates for the steps that wait for their inputs."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from videopasta_assets.config.recipe import RecipeSettings

_UPSTREAM: Final = {
    "sampled_videos": "videos",
    "queries": "sampled_videos",
    "aligned_responses": "queries",
    "aligned_checks": "aligned_responses",
    "adversaries": "queries",
    "critiques": "adversaries",
    "scenes": "sampled_videos",
    "altered_videos": "scenes",
    "candidates": "queries",
    "timewar_items": "altered_videos",
    "verdicts": "adversaries",
}
"""The input whose rows each row of a table belongs to; what comes after verdicts belongs to them."""


@dataclass(frozen=True)
class Touched:
    """Rows of a table that are computed anew or change: likely, at most, and out of how many with content."""

    expected: float
    most: float
    total: float


@dataclass
class Flow:
    """What is touched so far, table by table."""

    recipe: RecipeSettings
    tables: dict[str, Touched] = field(default_factory=dict)

    def share(self, tables: Sequence[str]) -> float:
        """Share of the inputs' rows that is likely to change."""
        known = [self.tables[table] for table in tables if table in self.tables]
        return min(1.0, max((one.expected / one.total for one in known if one.total), default=0.0))

    def through(self, table: str, inputs: Sequence[str], held: int, stale: int) -> Touched:
        """What work upstream is likely to do to `table`.

        Args:
            table: a table whose inputs have work.
            inputs: its inputs.
            held: rows that it holds.
            stale: those that a changed specification makes stale whatever its inputs bring.
        """
        source = self.tables[_UPSTREAM.get(table, "verdicts")]
        fan_out = self.recipe.queries_per_video if table == "queries" else 1
        total = source.total * fan_out
        share = self.share(inputs)
        likely = stale + max(0.0, total - stale) * share + max(0.0, total - held) * (1 - share)
        # A question that changes leaves its place to one that had asked the same: two answers at most.
        each = 2 if table == "aligned_responses" else 1
        most = stale + source.most * fan_out * each + max(0.0, total - held)
        return Touched(min(total, likely), min(total, most), total)

    def slots(self, source: str) -> Touched:
        """Slots whose answer changes, of those of the table `source`."""
        answers, each = self.tables[source], self.recipe.adversaries_per_query
        return Touched(answers.expected * each, answers.most * each, answers.total * each)
