"""The plan of `adversaries` and `verdicts`: replay the rounds of attempts over what the lake holds.

A round can only be followed as far as its rows are fresh: whether a slot needs another attempt is known once the
last one was judged. Slots with a stale attempt are followed no further, and count as one attempt to do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from videopasta_assets.lake import Derivation, Manifest, Reconciliation, Row, reconcile
from videopasta_assets.stages import adversaries, verdicts
from videopasta_assets.stages.project import Project


@dataclass(frozen=True)
class AttemptsState:
    """Both tables together, as one reconciliation."""

    spec: dict[str, str]
    held: Manifest | None
    state: Reconciliation


def reconcile_attempts(project: Project, shard: str, *, retry_failed: bool = False) -> AttemptsState:
    """What `adversaries.run` would reuse, compute and drop in `shard`."""
    known = {table: _rows(project, table, shard) for table in ("adversaries", "verdicts")}
    slots = adversaries.open_slots(project, shard)
    reused: list[Row] = []
    missing: list[Derivation] = []
    stale: list[Derivation] = []
    failed: list[Derivation] = []
    reached: set[tuple[str, str]] = set()
    for attempt in range(1, project.settings.recipe.max_attempts + 1):
        if not slots:
            break
        wanted = adversaries.derive(project, slots, attempt)
        first = _only(wanted, known["adversaries"], retry_failed)
        judged_wanted = verdicts.derive(project, adversaries.slots_by_key(slots), first.reused)
        second = _only(judged_wanted, known["verdicts"], retry_failed)
        for table, state, derivations in (("adversaries", first, wanted), ("verdicts", second, judged_wanted)):
            reused += state.reused
            missing += state.missing
            stale += state.stale
            failed += state.failed
            reached |= {(table, derivation.row_key) for derivation in derivations}
        # A slot whose attempt has to be made again is followed no further; its later rows are not orphans yet.
        pending = {derivation.row_key for derivation in (*first.to_compute, *second.to_compute)}
        halted = {
            (ask.aligned["query_id"], ask.slot.slot)
            for ask, derivation in zip(slots, wanted, strict=True)
            if derivation.row_key in pending
        }
        reached |= {
            (table, key)
            for table, rows in known.items()
            for key, row in rows.items()
            if (row["query_id"], row["slot"]) in halted
        }
        slots = [
            slot
            for slot in adversaries.still_open(slots, first.reused, second.reused)
            if (slot.aligned["query_id"], slot.slot.slot) not in halted
        ]
    dropped = tuple(key for table, rows in known.items() for key in rows if (table, key) not in reached)
    spec = _joined(adversaries.spec(project), verdicts.spec(project))
    state = Reconciliation(tuple(reused), tuple(missing), tuple(stale), tuple(failed), dropped)
    return AttemptsState(spec, _held(project, shard), state)


def _joined(generation: Mapping[str, str], verification: Mapping[str, str]) -> dict[str, str]:
    return {**generation, **{f"verdict {name}": part for name, part in verification.items()}}


def _held(project: Project, shard: str) -> Manifest | None:
    generation = project.lake.manifest(project.address("adversaries", shard))
    verification = project.lake.manifest(project.address("verdicts", shard))
    if generation is None or verification is None:
        return None
    return replace(generation, spec=_joined(generation.spec, verification.spec))


def _rows(project: Project, table: str, shard: str) -> dict[str, Row]:
    address = project.address(table, shard)
    rows = (*project.lake.rows(address), *project.lake.journal(address).rows())
    return {str(row["row_key"]): row for row in rows}


def _only(wanted: list[Derivation], known: dict[str, Row], retry_failed: bool) -> Reconciliation:
    keys = [derivation.row_key for derivation in wanted if derivation.row_key in known]
    return reconcile(wanted, (known[key] for key in keys), retry_failed=retry_failed)
