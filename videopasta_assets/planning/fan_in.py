"""The plan of what comes after the shards: the preference set, checkpoints, scores."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from videopasta_assets.errors import UserError
from videopasta_assets.lake import Derivation, Manifest, reconcile
from videopasta_assets.planning.cost import CostBook
from videopasta_assets.planning.reasons import change, changed_parts, counted
from videopasta_assets.planning.step import Cost, PlanStep, Reason, ReasonKind
from videopasta_assets.stages import benchmark_answers, benchmark_scores, lora_checkpoint, preference_set
from videopasta_assets.stages.benchmark_answers import BASE
from videopasta_assets.stages.benchmark_items import items_of
from videopasta_assets.stages.materialize import is_current
from videopasta_assets.stages.preference_set import ALL
from videopasta_assets.stages.project import Project
from videopasta_assets.stages.training_set import training_content


def plan_fan_in(
    project: Project, costs: CostBook, *, pairs_pending: bool, retry_failed: bool = False
) -> list[PlanStep]:
    """Steps of the preference set, of every experiment, and of every experiment on every benchmark.

    Their partitions are those of the project's iteration.
    """
    parts = preference_set.spec(project)
    if pairs_pending:
        steps = [_waiting(project, "preference_set", ALL, parts)]
    else:
        held, versions = _held(project, "preference_set", ALL), preference_set.versions(project)
        if _current(project, "preference_set", ALL, held, parts, versions):
            steps = [_fresh("preference_set", ALL, held)]
        else:
            steps = [_preference_set(project, parts, held)]
    set_pending = steps[0].to_do
    answered: set[str] = set()
    for experiment in project.settings.experiments:
        training = _training(project, costs, experiment.name, set_pending=set_pending)
        steps.append(training)
        for benchmark in project.settings.evaluation.benchmarks:
            score = _Scoring(project, costs, experiment.name, benchmark.name, answered, retry_failed)
            scoring = score.step(training.to_do)
            steps.append(scoring)
            if scoring.to_do:
                answered.add(benchmark.name)
    return [replace(step, partition=project.partition(step.partition)) for step in steps]


def _preference_set(project: Project, parts: Mapping[str, str], held: Manifest | None) -> PlanStep:
    """The set against the shards' pairs, by identity and version. Each row names the whole: a new pair changes all."""
    wanted = preference_set.wanted_pairs(project)
    if held is None:
        never = Reason(ReasonKind.NEVER_MATERIALIZED)
        return PlanStep("preference_set", ALL, rows_missing=len(wanted), reasons=(never,))
    known = project.lake.columns(project.address("preference_set", ALL), ["pair_id", "pair_version"])
    same = pc.is_in(_pairs(wanted, "data_version"), _pairs(known, "pair_version"))
    kept = pc.sum(pc.is_in(wanted["pair_id"], known["pair_id"])).as_py() or 0
    new, gone = len(wanted) - kept, len(known) - kept
    interrupted = _interrupted(project, "preference_set", ALL)
    if not gone and len(wanted) == (pc.sum(same).as_py() or 0):
        return replace(_fresh("preference_set", ALL, held), reasons=interrupted)
    reasons = [change(part, kept) for part in changed_parts(held.spec, parts)]
    if kept and not reasons:
        reasons.append(Reason(ReasonKind.UPSTREAM_CHANGED, rows=kept))
    reasons += interrupted
    if new:
        reasons.append(Reason(ReasonKind.UPSTREAM_GREW, rows=new))
    if gone:
        reasons.append(Reason(ReasonKind.ORPHANED, rows=gone))
    return PlanStep(
        "preference_set", ALL, rows_missing=new, rows_stale=kept, rows_orphaned=gone, reasons=tuple(reasons)
    )


def _pairs(table: pa.Table, version: str) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(table["pair_id"], table[version], " ")


def _training(project: Project, costs: CostBook, name: str, *, set_pending: bool) -> PlanStep:
    parts, held = lora_checkpoint.spec(project, name), _held(project, "lora_checkpoint", name)
    seconds = Cost(tokens=None, seconds=costs.training_seconds)
    if set_pending:
        return _waiting(project, "lora_checkpoint", name, parts, seconds)
    if _current(project, "lora_checkpoint", name, held, parts, lora_checkpoint.versions(project, name)):
        return _fresh("lora_checkpoint", name, held)
    content = training_content(project, lora_checkpoint.experiment_named(project, name))
    wanted = [] if content is None else [Derivation(name, lora_checkpoint.provenance(project, name, content))]
    return _compared(project, "lora_checkpoint", name, parts, wanted, held, seconds)


@dataclass(frozen=True)
class _Scoring:
    """One experiment on one benchmark. The base's answers are paid for once, by the first that needs them."""

    project: Project
    costs: CostBook
    experiment: str
    benchmark: str
    answered: Collection[str]
    retry_failed: bool

    def step(self, pending: bool) -> PlanStep:
        project, experiment, benchmark = self.project, self.experiment, self.benchmark
        place = benchmark_answers.partition(experiment, benchmark)
        parts, held = benchmark_scores.spec(project, benchmark), _held(project, "benchmark_scores", place)
        versions = benchmark_scores.versions(project, experiment, benchmark)
        failed = self._failed() if self.retry_failed else 0
        if not (pending or failed) and _current(project, "benchmark_scores", place, held, parts, versions):
            return _fresh("benchmark_scores", place, held)
        base = 0 if benchmark in self.answered else self._unanswered(BASE, None)
        adapter = lora_checkpoint.adapter_of(project, experiment)
        if pending:
            tuned = self._items()
            cost = self.costs.priced({"benchmark_answers": (base, base + tuned, base + tuned)})
            return _waiting(project, "benchmark_scores", place, parts, cost)
        tuned = self._unanswered(experiment, adapter[1] if adapter else None)
        cost = self.costs.priced({"benchmark_answers": (base + tuned,) * 3})
        derivations = benchmark_scores.derive(project, experiment, benchmark)
        step = _compared(project, "benchmark_scores", place, parts, derivations, held, cost)
        return replace(step, reasons=(*step.reasons, Reason(ReasonKind.FAILED, rows=failed))) if failed else step

    def _failed(self) -> int:
        """Answers that are errors; every experiment is scored again when the base's are tried again."""
        places = (benchmark_answers.partition(model, self.benchmark) for model in (BASE, self.experiment))
        manifests = (_held(self.project, "benchmark_answers", place) for place in places)
        return sum(manifest.errors for manifest in manifests if manifest)

    def _unanswered(self, model: str, adapter: str | None) -> int:
        """Items of the benchmark that the model was not asked, or asked otherwise."""
        project = self.project
        try:
            items = items_of(project, self.benchmark)
        except UserError:  # said when the step runs, and before anything runs by `videopasta run`
            return 0
        chosen = None if adapter is None else (Path(adapter), adapter)
        address = project.address("benchmark_answers", benchmark_answers.partition(model, self.benchmark))
        wanted = benchmark_answers.derive(project, self.benchmark, chosen, items)
        known = (*project.lake.rows(address), *project.lake.journal(address).rows())
        return len(reconcile(wanted, known, retry_failed=self.retry_failed).to_compute)

    def _items(self) -> int:
        try:
            return len(items_of(self.project, self.benchmark))
        except UserError:
            return 0


def _held(project: Project, asset: str, partition: str) -> Manifest | None:
    return project.lake.manifest(project.address(asset, partition))


def _current(
    project: Project,
    asset: str,
    partition: str,
    held: Manifest | None,
    parts: Mapping[str, str],
    versions: Mapping[str, str],
) -> bool:
    return is_current(project.lake, project.address(asset, partition), held, parts, versions)


def _interrupted(project: Project, asset: str, partition: str) -> tuple[Reason, ...]:
    """A run that was stopped left its journal: it may hold rows, and the next one takes it away."""
    left = project.lake.has_journal(project.address(asset, partition))
    return (Reason(ReasonKind.INTERRUPTED),) if left else ()


def _fresh(asset: str, partition: str, held: Manifest | None) -> PlanStep:
    return PlanStep(asset, partition, rows_fresh=held.rows if held else 0, rows_failed=held.errors if held else 0)


def _waiting(
    project: Project, asset: str, partition: str, parts: Mapping[str, str], cost: Cost | None = None
) -> PlanStep:
    held = _held(project, asset, partition)
    reasons = (
        [change(part) for part in changed_parts(held.spec, parts)] if held else [Reason(ReasonKind.NEVER_MATERIALIZED)]
    )
    return PlanStep(
        asset,
        partition,
        rows_fresh=held.rows if held else 0,
        waiting=True,
        reasons=(*reasons, Reason(ReasonKind.WAITING)),
        cost=cost or Cost(),
    )


def _compared(
    project: Project,
    asset: str,
    partition: str,
    parts: Mapping[str, str],
    wanted: Sequence[Derivation],
    held: Manifest | None,
    cost: Cost | None = None,
) -> PlanStep:
    address = project.address(asset, partition)
    known = (*project.lake.rows(address), *project.lake.journal(address).rows())
    state = reconcile(wanted, known)
    reasons = [] if held else [Reason(ReasonKind.NEVER_MATERIALIZED)]
    reasons += _interrupted(project, asset, partition)
    if held and state.stale:
        changed = [change(part, len(state.stale)) for part in changed_parts(held.spec, parts)]
        reasons += changed or [Reason(ReasonKind.UPSTREAM_CHANGED, rows=len(state.stale))]
    if held and state.missing:
        reasons.append(Reason(ReasonKind.UPSTREAM_GREW, rows=len(state.missing)))
    if state.dropped:
        reasons.append(Reason(ReasonKind.ORPHANED, rows=len(state.dropped)))
    return PlanStep(
        asset,
        partition,
        rows_fresh=len(state.reused),
        rows_missing=len(state.missing),
        rows_stale=len(state.stale),
        rows_failed=sum(row["error"] is not None for row in state.reused),
        rows_orphaned=len(state.dropped),
        reasons=counted(reasons),
        cost=cost or Cost(),
    )
