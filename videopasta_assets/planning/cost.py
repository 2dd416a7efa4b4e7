"""What calls cost, from what earlier rows really cost."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import pyarrow.compute as pc

from videopasta_assets.planning.step import Cost
from videopasta_assets.stages import aligned_checks
from videopasta_assets.stages.attempt_history import parse_histories
from videopasta_assets.stages.project import Project

_ONE_CALL: Final = frozenset(
    {"queries", "aligned_responses", "adversaries", "critiques", "verdicts", "oracle_targeting", "benchmark_answers"}
)

_SHARDS_READ: Final = 8
"""Recent shards are enough for a mean; a plan over thousands of shards must stay quick."""


@dataclass(frozen=True)
class Rate:
    """Means of one table's recorded rows."""

    tokens: float
    seconds: float


@dataclass(frozen=True)
class CostBook:
    """Recorded means of a project, each read once a plan."""

    project: Project
    _rates: dict[str, Rate | None] = field(default_factory=dict)

    def priced(self, rows: Mapping[str, tuple[float, float, float]]) -> Cost:
        """The cost of computing rows.

        Args:
            rows: that are certain, expected and the most, by table.
        """
        certain, expected, most = (
            sum(counts[index] * self.calls_per_row(table) for table, counts in rows.items()) for index in range(3)
        )
        rates = {table: self.rate(table) for table, counts in rows.items() if counts[1] and self.calls_per_row(table)}
        known = [(rows[table][1], rate) for table, rate in rates.items() if rate is not None]
        unknown = bool(rates) and not known
        return Cost(
            round(certain),
            round(expected),
            round(most),
            None if unknown else round(sum(count * rate.tokens for count, rate in known)),
            None if unknown else round(sum(count * rate.seconds for count, rate in known), 3),
        )

    def calls_per_row(self, table: str) -> int:
        """Calls of a model that one row takes."""
        if table in _ONE_CALL:
            return 1
        if table != "aligned_checks":
            return 0
        check = self.project.settings.recipe.aligned_check
        if check.method == "video":
            return 1
        votes = check.samples * (2 if aligned_checks.agree_by(self.project) == "verifier" else 1)
        return votes + check.policy_samples

    def rate(self, table: str) -> Rate | None:
        """Means of the table's recent rows, of the iteration before while this one has none; None without a record."""
        if table not in self._rates:
            self._rates[table] = self._read(table) or (self._before.rate(table) if self._before else None)
        return self._rates[table]

    @cached_property
    def _before(self) -> "CostBook | None":
        number = self.project.iteration - 1
        return CostBook(Project(self.project.settings, iteration=number)) if number else None

    @cached_property
    def attempts(self) -> float:
        """Attempts that a slot took, on average; half of what is allowed while nothing was tried."""
        slots = tried = 0
        for shard in self.project.shards_of("adversaries")[-_SHARDS_READ:]:
            manifest = self.project.lake.manifest(self.project.address("adversaries", shard))
            for history, count in parse_histories(manifest.counts if manifest else {}).items():
                slots += count
                tried += count * len(history)
        most = self.project.settings.recipe.max_attempts
        if not slots and self._before:
            return self._before.attempts
        return min(tried / slots, most) if slots else (1 + most) / 2

    @cached_property
    def training_seconds(self) -> float | None:
        """Mean wall time of the recorded training runs; None without one."""
        lake = self.project.lake
        times = [
            row["seconds"]
            for name in self.project.shards_of("lora_checkpoint")
            for row in lake.rows(self.project.address("lora_checkpoint", name))
            if row["seconds"] is not None
        ]
        if not times and self._before:
            return self._before.training_seconds
        return round(sum(times) / len(times), 3) if times else None

    def _read(self, table: str) -> Rate | None:
        tokens, seconds, count = 0, 0.0, 0
        lake, names = self.project.lake, ["prompt_tokens", "completion_tokens", "seconds"]
        for shard in self.project.shards_of(table)[-_SHARDS_READ:]:
            rows = lake.columns(self.project.address(table, shard), names)
            tokens += sum(pc.sum(rows[name]).as_py() or 0 for name in names[:2])
            seconds += pc.sum(rows["seconds"]).as_py() or 0.0
            count += len(rows) - rows["seconds"].null_count
        return Rate(tokens / count, seconds / count) if count else None
