"""The plan of `adversaries` and `verdicts`: replay the attempts of each slot as far as they are fresh.

Whether a slot needs another attempt is known once the last one was judged. A slot whose attempt has to be made or
judged again is followed no further: that call is certain, what follows from it is expected.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from videopasta_assets.lake import Derivation, Reconciliation, Row, reconcile
from videopasta_assets.planning.reasons import VERDICT, change, counted
from videopasta_assets.planning.step import Reason, ReasonKind
from videopasta_assets.recipes import verdict_status
from videopasta_assets.stages import adversaries, verdicts
from videopasta_assets.stages.attempt_history import Attempt, Ending
from videopasta_assets.stages.generation import PROMPT
from videopasta_assets.stages.project import Project
from videopasta_assets.taxonomy import VerdictStatus


@dataclass
class SlotTally:
    """Rows of both tables by what has to happen to them, and where slots were halted."""

    fresh: int = 0
    missing: int = 0
    stale: int = 0
    failed: int = 0
    retried: int = 0
    orphaned: int = 0
    reasons: list[Reason] = field(default_factory=list)
    certain: dict[str, int] = field(default_factory=lambda: {"adversaries": 0, "verdicts": 0})
    halted: dict[tuple[str, int], int] = field(default_factory=dict)
    """Slots by the table and the attempt at which they were halted."""

    def halt(self, table: str, attempt: int, slots: int, *, asks: bool = True) -> None:
        """Slots whose attempt has to be made or judged again; `asks`: a model is asked for that."""
        self.halted[table, attempt] = self.halted.get((table, attempt), 0) + slots
        self.certain[table] += slots if asks else 0

    def rows(self, most_attempts: int, mean_attempts: float) -> dict[str, tuple[float, float, float]]:
        """Certain, expected and most rows that models are asked for, by table."""
        expected = {table: float(count) for table, count in self.certain.items()}
        most = dict(expected)
        for (table, attempt), slots in self.halted.items():
            likely = slots * max(0.0, mean_attempts - 1) * (most_attempts - attempt) / max(1, most_attempts - 1)
            for other in expected:
                expected[other] += likely
                most[other] += slots * (most_attempts - attempt)
            if table == "adversaries":  # the new text is judged
                expected["verdicts"] += slots
                most["verdicts"] += slots
        return {table: (self.certain[table], expected[table], most[table]) for table in expected}


def tally_histories(
    histories: Mapping[tuple[Attempt, ...], int], changed: Collection[str], *, retry_failed: bool
) -> SlotTally:
    """What a changed specification does to slots, from their histories alone.

    Args:
        histories: slots by history.
        changed: names of the parts that changed, those of the verdicts with their prefix.
        retry_failed: error rows are work.
    """
    tally = SlotTally()
    templates = {part for part in changed if part.startswith(PROMPT)}
    every_adversary = [part for part in changed if not part.startswith((PROMPT, VERDICT))]
    every_verdict = [part for part in changed if part.startswith(VERDICT)]
    for history, slots in histories.items():
        tally.failed += slots * sum(one.ending in (Ending.UNANSWERED, Ending.UNJUDGED) for one in history)
        for number, attempt in enumerate(history, start=1):
            own = [part for part in (f"{PROMPT}adversary/{attempt.template}",) if part in templates] + every_adversary
            if own or (retry_failed and attempt.ending is Ending.UNANSWERED):
                _again(tally, "adversaries", number, slots, own)
                break
            tally.fresh += slots
            if attempt.ending is Ending.UNANSWERED:
                break
            if every_verdict or (retry_failed and attempt.ending is Ending.UNJUDGED):
                _again(tally, "verdicts", number, slots, every_verdict, asks=attempt.ending is not Ending.UNASKED)
                break
            tally.fresh += slots
    tally.reasons = list(counted(tally.reasons))
    return tally


def _again(
    tally: SlotTally, table: str, attempt: int, slots: int, changed: Iterable[str], *, asks: bool = True
) -> None:
    parts = list(changed)
    if parts:
        tally.stale += slots
        tally.reasons += [change(part, slots) for part in parts]
    else:
        tally.retried += slots
        tally.reasons.append(Reason(ReasonKind.FAILED, rows=slots))
    tally.halt(table, attempt, slots, asks=asks)


def replay(project: Project, shard: str, changed: Collection[str], *, retry_failed: bool) -> SlotTally:
    """What `adversaries.run` would reuse, compute and drop in `shard`, row by row.

    Args:
        project: the project.
        shard: key of the shard.
        changed: names of the parts of both specifications that changed.
        retry_failed: error rows are work.
    """
    known = {table: _rows(project, table, shard) for table in ("adversaries", "verdicts")}
    tally = SlotTally()
    tally.failed = sum(row["error"] is not None for rows in known.values() for row in rows.values())
    slots = adversaries.open_slots(project, shard)
    reached: set[tuple[str, str]] = set()
    for attempt in range(1, project.settings.recipe.max_attempts + 1):
        if not slots:
            break
        wanted = adversaries.derive(project, slots, attempt)
        first = _only(wanted, known["adversaries"], retry_failed)
        judged = verdicts.derive(project, adversaries.slots_by_key(slots), first.reused)
        second = _only(judged, known["verdicts"], retry_failed)
        own = {part for part in changed if not part.startswith(VERDICT)}
        _count(tally, "adversaries", attempt, first, known["adversaries"], own)
        _count(tally, "verdicts", attempt, second, known["verdicts"], set(changed) - own)
        reached |= {("adversaries", derivation.row_key) for derivation in wanted}
        reached |= {("verdicts", derivation.row_key) for derivation in judged}
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
    tally.orphaned = sum((table, key) not in reached for table, rows in known.items() for key in rows)
    if tally.orphaned:
        tally.reasons.append(Reason(ReasonKind.ORPHANED, rows=tally.orphaned))
    tally.reasons = list(counted(tally.reasons))
    return tally


def _count(
    tally: SlotTally, table: str, attempt: int, state: Reconciliation, known: Mapping[str, Row], changed: set[str]
) -> None:
    tally.fresh += len(state.reused)
    tally.missing += len(state.missing)
    tally.stale += len(state.stale)
    tally.retried += len(state.failed)
    for derivation in state.to_compute:
        tally.halt(table, attempt, 1, asks=table == "adversaries" or _is_asked(derivation))
    for derivation in state.stale:
        tally.reasons += stale_reasons(derivation, known[derivation.row_key], changed)
    if state.missing:
        grew = [change(part, len(state.missing)) for part in sorted(changed) if part.startswith("rows: ")]
        tally.reasons += grew or [Reason(ReasonKind.UPSTREAM_GREW, rows=len(state.missing))]
    if state.failed:
        tally.reasons.append(Reason(ReasonKind.FAILED, rows=len(state.failed)))


def stale_reasons(derivation: Derivation, row: Row, changed: Iterable[str]) -> list[Reason]:
    """Why one row is stale: its own template, a part that all rows depend on, or else what it is derived from."""
    parts = [part for part in sorted(changed) if not part.startswith(("rows: ", PROMPT))]
    name = getattr(getattr(_ask(derivation), "request", None), "prompt", None)
    if name is not None and name.template_hash != row["prompt_version"]:
        parts = [part for part in changed if part.endswith(f"{PROMPT}{name.template}")] + parts
    return [change(part, 1) for part in dict.fromkeys(parts)] or [Reason(ReasonKind.UPSTREAM_CHANGED, rows=1)]


def _ask(derivation: Derivation) -> object:
    payload = derivation.payload
    return payload[0] if isinstance(payload, tuple) and payload else payload


def _is_asked(derivation: Derivation) -> bool:
    _, aligned, adversary = derivation.payload
    return verdict_status(None, aligned, adversary)[0] is VerdictStatus.REJECTED_PARSE


def _rows(project: Project, table: str, shard: str) -> dict[str, Row]:
    address = project.address(table, shard)
    rows = (*project.lake.rows(address), *project.lake.journal(address).rows())
    return {str(row["row_key"]): row for row in rows}


def _only(wanted: list[Derivation], known: Mapping[str, Row], retry_failed: bool) -> Reconciliation:
    keys = [derivation.row_key for derivation in wanted if derivation.row_key in known]
    return reconcile(wanted, (known[key] for key in keys), retry_failed=retry_failed)
