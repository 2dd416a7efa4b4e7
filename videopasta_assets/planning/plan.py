"""Walk the graph over the lake's own manifests and say what a run would do.

Dagster's own staleness is one hop and blind over wide fan-ins; this walk is transitive and row-exact. Where an
input of a stage is stale itself, its rows cannot be known yet: the step is `waiting`, and the run plans it again
when its turn comes.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from videopasta_assets.lake import Derivation, Manifest, Reconciliation, Row, reconcile
from videopasta_assets.lake.shards import list_shards
from videopasta_assets.oracle import scores as oracle_scores
from videopasta_assets.planning.attempts import reconcile_attempts
from videopasta_assets.planning.cost import estimated_seconds
from videopasta_assets.stages import (
    aligned_checks,
    aligned_responses,
    benchmark_answers,
    benchmark_scores,
    lora_checkpoint,
    preference_set,
    queries,
    sampled_videos,
    verified_pairs,
    videos,
)
from videopasta_assets.stages.preference_set import ALL
from videopasta_assets.stages.project import Project

Spec = Callable[[Project], dict[str, str]]
Derive = Callable[[Project, str], list[Derivation]]

SHARD_ASSETS: Final = (
    "videos",
    "sampled_videos",
    "queries",
    "aligned_responses",
    "aligned_checks",
    "adversaries",
    "verified_pairs",
    "oracle_scores",
)
"""Assets partitioned by shard, in pipeline order."""


@dataclass(frozen=True)
class PlanStep:
    """What one asset needs for one partition."""

    asset: str
    partition: str
    rows_fresh: int
    rows_missing: int
    rows_stale: int
    rows_failed: int
    rows_dropped: int
    waiting: bool
    reasons: tuple[str, ...]
    estimated_seconds: float | None = None

    @property
    def to_do(self) -> bool:
        """The step changes something, or may once its inputs are known."""
        return self.waiting or bool(self.rows_missing or self.rows_stale or self.rows_dropped or self.reasons)


@dataclass(frozen=True)
class Plan:
    """All steps, in the order in which they would run."""

    steps: tuple[PlanStep, ...]

    @property
    def nothing_to_do(self) -> bool:
        """Everything is fresh."""
        return not any(step.to_do for step in self.steps)

    def to_json(self) -> dict[str, Any]:
        """The plan for scripts."""
        steps = [{**asdict(step), "to_do": step.to_do} for step in self.steps]
        return {"nothing_to_do": self.nothing_to_do, "steps": steps}


def make_plan(
    project: Project,
    *,
    retry_failed: bool = False,
    shards: Collection[str] | None = None,
    select: Collection[str] | None = None,
) -> Plan:
    """Plan the whole project, or only the named shards and assets.

    Args:
        project: the project.
        retry_failed: count error rows as work.
        shards: only these shards; None for all. Steps that fan in are planned in any case.
        select: only these assets; None for all.
    """
    steps: list[PlanStep] = []
    pairs_pending = False
    for shard in list_shards(project.lake):
        if shards is not None and shard not in shards:
            continue
        shard_steps = _plan_shard(project, shard, retry_failed)
        pairs_pending |= any(step.to_do for step in shard_steps if step.asset != "oracle_scores")
        steps += shard_steps
    steps += _plan_fan_in(project, pairs_pending)
    return Plan(tuple(step for step in steps if select is None or step.asset in select))


def _plan_shard(project: Project, shard: str, retry_failed: bool) -> list[PlanStep]:
    steps: list[PlanStep] = []
    stages: list[tuple[str, Spec, Derive]] = [
        ("videos", videos.spec, videos.derive),
        ("sampled_videos", sampled_videos.spec, sampled_videos.derive),
        ("queries", queries.spec, queries.derive),
        ("aligned_responses", aligned_responses.spec, aligned_responses.derive),
    ]
    if aligned_checks.wanted(project):
        stages.append(("aligned_checks", aligned_checks.spec, aligned_checks.derive))
    upstream_pending = False
    for name, spec, derive in stages:
        if upstream_pending:
            steps.append(_waiting(name, shard, spec(project), _manifest(project, name, shard)))
            continue
        step = _step(project, name, shard, spec(project), derive(project, shard), retry_failed)
        upstream_pending = step.to_do
        steps.append(step)
    attempts = reconcile_attempts(project, shard, retry_failed=retry_failed)
    if upstream_pending:
        steps.append(_waiting("adversaries", shard, attempts.spec, attempts.held))
    else:
        step = _from_state(project, "adversaries", shard, attempts.spec, attempts.state, attempts.held)
        upstream_pending = step.to_do
        steps.append(step)
    last: list[tuple[str, Spec, Derive]] = [("verified_pairs", verified_pairs.spec, verified_pairs.derive)]
    if project.settings.oracle_truth is not None:
        last.append(("oracle_scores", oracle_scores.spec, oracle_scores.derive))
    for name, spec, derive in last:
        parts = spec(project)
        if upstream_pending:
            steps.append(_waiting(name, shard, parts, _manifest(project, name, shard)))
        else:
            steps.append(_step(project, name, shard, parts, derive(project, shard), retry_failed))
    return steps


def _plan_fan_in(project: Project, pairs_pending: bool) -> list[PlanStep]:
    parts = preference_set.spec(project)
    if pairs_pending:
        steps = [_waiting("preference_set", ALL, parts, _manifest(project, "preference_set", ALL))]
    else:
        steps = [_step(project, "preference_set", ALL, parts, preference_set.derive(project), False)]
    set_pending = steps[0].to_do
    for experiment in project.settings.experiments:
        name = experiment.name
        parts = lora_checkpoint.spec(project, name)
        if set_pending:
            steps.append(_waiting("lora_checkpoint", name, parts, _manifest(project, "lora_checkpoint", name)))
        else:
            derivations = lora_checkpoint.derive(project, name)
            steps.append(_step(project, "lora_checkpoint", name, parts, derivations, False))
        training_pending = steps[-1].to_do
        for benchmark in project.settings.evaluation.benchmarks:
            partition = benchmark_answers.partition(name, benchmark.name)
            parts = benchmark_scores.spec(project, benchmark.name)
            if training_pending:
                held = _manifest(project, "benchmark_scores", partition)
                steps.append(_waiting("benchmark_scores", partition, parts, held))
            else:
                derivations = benchmark_scores.derive(project, name, benchmark.name)
                steps.append(_step(project, "benchmark_scores", partition, parts, derivations, False))
    return steps


def _step(
    project: Project,
    asset: str,
    partition: str,
    parts: Mapping[str, str],
    wanted: Sequence[Derivation],
    retry_failed: bool,
) -> PlanStep:
    state = reconcile(wanted, _known_rows(project, asset, partition), retry_failed=retry_failed)
    return _from_state(project, asset, partition, parts, state, _manifest(project, asset, partition))


def _manifest(project: Project, asset: str, partition: str) -> Manifest | None:
    return project.lake.manifest(project.address(asset, partition))


def _known_rows(project: Project, asset: str, partition: str) -> Iterable[Row]:
    """Rows of the table and of its journal; the rows of an unfinished materialization count as computed."""
    address = project.address(asset, partition)
    return (*project.lake.rows(address), *project.lake.journal(address).rows())


def _from_state(
    project: Project,
    asset: str,
    partition: str,
    parts: Mapping[str, str],
    state: Reconciliation,
    manifest: Manifest | None,
) -> PlanStep:
    reasons = []
    if manifest is None:
        reasons.append("never materialized")
    elif project.lake.has_journal(project.address(asset, partition)):
        reasons.append("an interrupted run left finished rows")
    if manifest is not None and state.stale:
        reasons += _changes(manifest.spec, parts) or ["upstream content changed"]
    if manifest is not None and state.missing:
        reasons.append("new rows upstream")
    if state.failed:
        reasons.append("failed rows are tried again")
    if state.dropped:
        reasons.append("rows are no longer derived")
    return PlanStep(
        asset=asset,
        partition=partition,
        rows_fresh=len(state.reused),
        rows_missing=len(state.missing),
        rows_stale=len(state.stale),
        rows_failed=sum(row["error"] is not None for row in state.reused) + len(state.failed),
        rows_dropped=len(state.dropped),
        waiting=False,
        reasons=tuple(reasons),
        estimated_seconds=estimated_seconds(project, asset, len(state.to_compute)),
    )


def _waiting(asset: str, partition: str, parts: Mapping[str, str], manifest: Manifest | None) -> PlanStep:
    reasons = ["never materialized"] if manifest is None else _changes(manifest.spec, parts)
    held = manifest.rows if manifest else 0
    return PlanStep(asset, partition, held, 0, 0, 0, 0, True, (*reasons, "waits for its inputs"))


def _changes(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    return [f"{name} changed" for name in sorted({*old, *new}) if old.get(name) != new.get(name)]
