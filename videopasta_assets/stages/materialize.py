"""Materialize one shard of one table: reuse what is fresh, compute what is missing, write atomically."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from videopasta_assets.lake import TABLES, Address, Derivation, Lake, Manifest, Row, reconcile

Compute = Callable[[Sequence[Derivation]], Iterable[Row]]
"""Computes rows for derivations, yielding each as soon as it is known. A row names its `row_key`."""

Progress = Callable[[str, int, int], None]
"""Told (table, done, total) as rows arrive."""


def silent(table: str, done: int, total: int) -> None:
    """A progress listener that does not listen."""


@dataclass(frozen=True)
class Outcome:
    """What a materialization did."""

    manifest: Manifest
    reused: int
    computed: int
    dropped: int
    failed: int


class ShardWriter:
    """Collects the rows of one shard over one or more rounds and commits them once.

    Rows that a killed run had journaled count as previous rows. Use as a context manager: it holds the shard's
    lock, so that two runs never interleave.
    """

    def __init__(
        self, lake: Lake, address: Address, *, retry_failed: bool = False, progress: Progress = silent
    ) -> None:
        self._lake = lake
        self._address = address
        self._schema = TABLES[address.table]
        self._retry_failed = retry_failed
        self._progress = progress
        self._journal = lake.journal(address)
        self._previous = {str(row["row_key"]): row for row in lake.rows(address)}
        for row in self._journal.rows():
            self._previous[str(row["row_key"])] = row
        self._rows: dict[str, Row] = {}
        self._reused = 0
        self._computed = 0

    def round(self, wanted: Sequence[Derivation], compute: Compute) -> list[Row]:
        """Bring the rows of `wanted` up to date and return them, in the order of their keys.

        Raises:
            ValueError: `compute` left a derivation without a row.
        """
        state = reconcile(
            wanted,
            (row for key, row in self._previous.items() if key not in self._rows),
            retry_failed=self._retry_failed,
        )
        rows = {str(row["row_key"]): row for row in state.reused}
        self._reused += len(rows)
        todo = {derivation.row_key: derivation for derivation in state.to_compute}
        total = len(todo)
        if todo:
            for row in compute(state.to_compute):
                derivation = todo.pop(str(row["row_key"]))
                complete = self._schema.versioned({**row, "provenance": derivation.provenance})
                self._journal.append(complete)
                rows[derivation.row_key] = complete
                self._computed += 1
                self._progress(self._address.table, total - len(todo), total)
        if todo:
            raise ValueError(f"{self._address.table}: no row for {next(iter(todo))} and {len(todo) - 1} others")
        self._rows.update(rows)
        return [rows[key] for key in sorted(rows)]

    def commit(self, spec: Mapping[str, str]) -> Outcome:
        """Write everything that the rounds returned; what was there and is no longer derived is dropped."""
        dropped = len(set(self._previous) - set(self._rows))
        manifest = self._lake.write(self._address, self._rows.values(), spec)
        self._journal.discard()
        return Outcome(manifest, self._reused, self._computed, dropped, manifest.errors)


def materialize(
    lake: Lake,
    address: Address,
    wanted: Sequence[Derivation],
    compute: Compute,
    spec: Mapping[str, str],
    *,
    retry_failed: bool = False,
    progress: Progress = silent,
) -> Outcome:
    """One-round materialization, under the shard's lock."""
    with lake.lock(address):
        writer = ShardWriter(lake, address, retry_failed=retry_failed, progress=progress)
        writer.round(wanted, compute)
        return writer.commit(spec)
