"""What of a shard is still good, as anti-joins on (row_key, provenance).

wanted - previous = missing; previous - wanted = dropped; the rest is reused. A row whose key is known but
whose provenance changed is *stale*: it is recomputed, and counted apart so that a plan can say why.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from videopasta_assets.lake.schema import Row


@dataclass(frozen=True)
class Derivation:
    """One row that a stage should hold: its identity, its provenance and what computing it needs."""

    row_key: str
    provenance: str
    payload: Any = field(default=None, compare=False)


@dataclass(frozen=True)
class Reconciliation:
    """The rows of a shard, sorted by what has to happen to them."""

    reused: tuple[Row, ...]
    missing: tuple[Derivation, ...]
    stale: tuple[Derivation, ...]
    failed: tuple[Derivation, ...]
    dropped: tuple[str, ...]

    @property
    def to_compute(self) -> tuple[Derivation, ...]:
        """Missing, stale and (when they are retried) failed rows, in the order of the derivations."""
        return self.missing + self.stale + self.failed

    @property
    def fresh(self) -> bool:
        """Nothing to compute and nothing to drop."""
        return not self.to_compute and not self.dropped


def reconcile(wanted: Sequence[Derivation], previous: Iterable[Row], *, retry_failed: bool = False) -> Reconciliation:
    """Compare what a stage should hold with what it holds.

    Args:
        wanted: one derivation a row; keys are unique.
        previous: rows with at least `row_key`, `provenance` and `error`; a later row wins over an earlier one.
        retry_failed: treat error rows as work to do again; else they count as reused, with their error.

    Raises:
        ValueError: two derivations share a key.
    """
    known = {str(row["row_key"]): row for row in previous}
    keys = [derivation.row_key for derivation in wanted]
    if len(set(keys)) != len(keys):
        raise ValueError("two derivations share a row_key")
    reused: list[Row] = []
    missing: list[Derivation] = []
    stale: list[Derivation] = []
    failed: list[Derivation] = []
    for derivation in wanted:
        row = known.get(derivation.row_key)
        if row is None:
            missing.append(derivation)
        elif row["provenance"] != derivation.provenance:
            stale.append(derivation)
        elif retry_failed and row["error"] is not None:
            failed.append(derivation)
        else:
            reused.append(row)
    dropped = tuple(sorted(set(known) - set(keys)))
    return Reconciliation(tuple(reused), tuple(missing), tuple(stale), tuple(failed), dropped)
