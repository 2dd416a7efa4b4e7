"""What a plan says: steps with their row counts, reasons and costs."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Self


class ReasonKind(StrEnum):
    """Kinds of reasons for work."""

    NEW_VIDEO = "new video"
    FILE_CHANGED = "file changed"
    VIDEO_REMOVED = "video removed"
    VIDEO_MOVED = "video moved"
    PROMPT_CHANGED = "prompt template changed"
    MODEL_CHANGED = "model revision changed"
    SAMPLING_CHANGED = "sampling changed"
    SETTING_CHANGED = "setting changed"
    UPSTREAM_CHANGED = "upstream content changed"
    UPSTREAM_GREW = "new rows upstream"
    NEVER_MATERIALIZED = "never materialized"
    INTERRUPTED = "interrupted run"
    FAILED = "failed rows are tried again"
    ORPHANED = "rows are no longer derived"
    WAITING = "waits for its inputs"


@dataclass(frozen=True)
class Reason:
    """Why a step has work: a kind, the part of the specification where it is one, and the rows that it touches."""

    kind: ReasonKind
    subject: str = ""
    rows: int = 0

    def __str__(self) -> str:
        """Words for a person."""
        return f"{self.subject} changed" if self.subject else self.kind.value


@dataclass(frozen=True)
class Cost:
    """What a step costs in calls of a model.

    Attributes:
        calls: calls that are made whatever the models answer.
        calls_expected: with what is likely to follow from the answers: further attempts, changed inputs.
        calls_most: when every answer is another one and every slot needs all its attempts.
        tokens: of the expected calls, from recorded means; None without a record.
        seconds: engine seconds of the expected calls, likewise.
    """

    calls: int = 0
    calls_expected: int = 0
    calls_most: int = 0
    tokens: int | None = 0
    seconds: float | None = 0.0

    @classmethod
    def total(cls, costs: Iterable["Cost"]) -> Self:
        """The sum; tokens and seconds are of those that are known, None where some cost any and none is known."""
        every = list(costs)
        tokens = [cost.tokens for cost in every if cost.tokens != 0]
        seconds = [cost.seconds for cost in every if cost.seconds != 0]
        return cls(
            sum(cost.calls for cost in every),
            sum(cost.calls_expected for cost in every),
            sum(cost.calls_most for cost in every),
            sum(filter(None, tokens)) if not tokens or any(tokens) else None,
            round(sum(filter(None, seconds)), 3) if not seconds or any(seconds) else None,
        )


@dataclass(frozen=True)
class PlanStep:
    """What one asset needs for one partition.

    Attributes:
        asset: table; `adversaries` stands for its `verdicts` too.
        partition: shard, experiment, or experiment and benchmark.
        rows_fresh: rows that stay.
        rows_missing: rows to compute that never were.
        rows_stale: rows to compute again.
        rows_failed: rows that hold an error; they are work only when they are tried again.
        rows_orphaned: rows that are no longer derived, and go.
        waiting: an input has work itself: rows and calls are known when its turn comes, and estimated until then.
        reasons: why there is work.
        cost: calls, tokens, seconds.
    """

    asset: str
    partition: str
    rows_fresh: int = 0
    rows_missing: int = 0
    rows_stale: int = 0
    rows_failed: int = 0
    rows_orphaned: int = 0
    waiting: bool = False
    reasons: tuple[Reason, ...] = ()
    cost: Cost = Cost()

    @property
    def to_do(self) -> bool:
        """The step changes something, or may once its inputs are known."""
        return self.waiting or bool(self.reasons)

    def to_json(self) -> dict[str, Any]:
        """The step for scripts."""
        minutes = None if self.cost.seconds is None else round(self.cost.seconds / 60, 3)
        return {
            **{name: value for name, value in asdict(self).items() if name not in ("reasons", "cost")},
            "to_do": self.to_do,
            "reasons": [
                {"kind": reason.kind.value, "subject": reason.subject, "rows": reason.rows, "text": str(reason)}
                for reason in self.reasons
            ],
            "cost": {**asdict(self.cost), "minutes": minutes},
        }


@dataclass(frozen=True)
class Plan:
    """All steps, in the order in which they would run.

    Attributes:
        steps: shards first, then what fans in.
        left_out: shards with work that a limit left out.
    """

    steps: tuple[PlanStep, ...]
    left_out: int = 0

    @property
    def nothing_to_do(self) -> bool:
        """Everything is fresh."""
        return not any(step.to_do for step in self.steps)

    @property
    def cost(self) -> Cost:
        """Of all steps together."""
        return Cost.total(step.cost for step in self.steps if step.to_do)

    def only(self, assets: Sequence[str] | None) -> "Plan":
        """The steps of the named assets; None for all."""
        if assets is None:
            return self
        return Plan(tuple(step for step in self.steps if step.asset in assets), self.left_out)

    def to_json(self) -> dict[str, Any]:
        """The plan for scripts."""
        return {
            "nothing_to_do": self.nothing_to_do,
            "left_out": self.left_out,
            "cost": asdict(self.cost),
            "steps": [step.to_json() for step in self.steps],
        }
