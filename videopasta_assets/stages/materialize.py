"""Materialize one shard of one table: reuse what is fresh, compute what is missing, write atomically."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from videopasta_assets.lake import TABLES, Address, Derivation, Lake, Manifest, Row, reconcile
from videopasta_assets.stages.project import Project
from videopasta_assets.stages.spec_text import remember_spec_texts

Compute = Callable[[Sequence[Derivation]], Iterable[Row]]
"""Computes rows for derivations, yielding each as soon as it is known. A row names its `row_key`."""

Progress = Callable[[str, int, int], None]
"""Told (table, done, total) as rows arrive."""


def silent(table: str, done: int, total: int) -> None:
    """A progress listener that does not listen."""


@dataclass(frozen=True)
class Stage:
    """A table of a shard and all that decides its rows.

    Attributes:
        table: name in the lake.
        inputs: tables of the same shard that the rows are derived from.
        spec: named parts of everything else that decides the rows.
        derive: the rows that the table should hold, from what the inputs hold now.
        prompt: name of the part of `spec` that is the row's template; None where rows have none.
        outside: versions of what lies outside the lake.
    """

    table: str
    inputs: tuple[str, ...]
    spec: Callable[[Project], dict[str, str]]
    derive: Callable[[Project, str], list[Derivation]]
    prompt: Callable[[Row], str] | None = None
    outside: Callable[[Project, str], dict[str, str]] | None = None

    def versions(self, project: Project, shard: str) -> dict[str, str]:
        """Data versions of the inputs. Asked for before rows are derived: a later change makes the rows stale."""
        versions = {table: project.data_version(table, shard) for table in self.inputs}
        return versions | (self.outside(project, shard) if self.outside else {})


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

    Rows that a killed run had journaled count as previous rows. The caller holds the shard's lock, so that two
    runs never interleave.
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

    def commit(
        self,
        spec: Mapping[str, str],
        inputs: Mapping[str, str] | None = None,
        counts: Mapping[str, int] | None = None,
    ) -> Outcome:
        """Write everything that the rounds returned; what was there and is no longer derived is dropped.

        A file that would say the same is left as it is: its bytes and its time of change stay.
        """
        dropped = len(set(self._previous) - set(self._rows))
        held = self._lake.manifest(self._address)
        unchanged = not (self._computed or dropped or self._lake.has_journal(self._address))
        if held is None or not (unchanged and _says(held, spec, inputs or {}, counts or {})):
            held = self._lake.write(self._address, self._rows.values(), spec, inputs, counts)
            self._journal.discard()
        return Outcome(held, self._reused, self._computed, dropped, held.errors)


def is_current(
    lake: Lake,
    address: Address,
    manifest: Manifest | None,
    spec: Mapping[str, str],
    inputs: Mapping[str, str],
    *,
    retry_failed: bool = False,
) -> bool:
    """The shard's manifest proves that its rows are what would be derived now: no row need be read."""
    return (
        manifest is not None
        and bool(manifest.inputs)
        and manifest.inputs == inputs
        and manifest.spec == spec
        and not (retry_failed and manifest.errors)
        and not lake.has_journal(address)
    )


def materialize(
    lake: Lake,
    address: Address,
    derive: Callable[[], Sequence[Derivation]],
    compute: Compute,
    spec: Mapping[str, str],
    *,
    inputs: Callable[[], Mapping[str, str]] = dict,
    prompt: Callable[[Row], str] | None = None,
    retry_failed: bool = False,
    progress: Progress = silent,
) -> Outcome:
    """One-round materialization, under the shard's lock; rows are derived under it too.

    Args:
        lake: where the table is.
        address: which shard of which table.
        derive: the rows that the shard should hold.
        compute: computes rows.
        spec: named parts of everything that decides the rows beside the inputs.
        inputs: data versions of the inputs.
        prompt: the part of `spec` that is a row's template.
        retry_failed: compute error rows again.
        progress: told of rows as they arrive.
    """
    with lake.lock(address):
        versions = inputs()
        held = lake.manifest(address)
        if held is not None and is_current(lake, address, held, spec, versions, retry_failed=retry_failed):
            return Outcome(held, held.rows, 0, 0, held.errors)
        writer = ShardWriter(lake, address, retry_failed=retry_failed, progress=progress)
        rows = writer.round(derive(), compute)
        return writer.commit(spec, versions, Counter(map(prompt, rows)) if prompt else None)


def run_stage(
    project: Project,
    stage: Stage,
    shard: str,
    compute: Compute,
    *,
    retry_failed: bool = False,
    progress: Progress = silent,
) -> Outcome:
    """Bring one shard of a stage's table up to date."""
    remember_spec_texts(project)
    return materialize(
        project.lake,
        project.address(stage.table, shard),
        lambda: stage.derive(project, shard),
        compute,
        stage.spec(project),
        inputs=lambda: stage.versions(project, shard),
        prompt=stage.prompt,
        retry_failed=retry_failed,
        progress=progress,
    )


def _says(manifest: Manifest, spec: Mapping[str, str], inputs: Mapping[str, str], counts: Mapping[str, int]) -> bool:
    return manifest.spec == spec and manifest.inputs == inputs and manifest.counts == counts
