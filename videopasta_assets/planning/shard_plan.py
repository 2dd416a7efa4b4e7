"""The plan of one shard: each stage against its manifest first, against its rows only where that does not decide.

Three depths. A manifest whose inputs and specification are those of now proves its rows fresh. Where only the
specification changed, the manifest's counts say how many rows that makes stale. Only where inputs changed, a run was
interrupted, or failed rows are tried again, are rows derived and compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from videopasta_assets.lake import Derivation, Manifest, Row, reconcile
from videopasta_assets.lake.shards import LandedVideo, read_shard
from videopasta_assets.oracle import scores as oracle_scores
from videopasta_assets.planning.attempts import SlotTally, replay, stale_reasons, tally_histories
from videopasta_assets.planning.cost import CostBook
from videopasta_assets.planning.reasons import VERDICT, change, changed_parts, counted
from videopasta_assets.planning.step import PlanStep, Reason, ReasonKind
from videopasta_assets.stages import (
    adversaries,
    aligned_checks,
    aligned_responses,
    queries,
    sampled_videos,
    verdicts,
    verified_pairs,
    videos,
)
from videopasta_assets.stages.attempt_history import parse_histories
from videopasta_assets.stages.generation import EXTENT, PROMPT
from videopasta_assets.stages.materialize import Stage, is_current
from videopasta_assets.stages.project import Project

NEW: Final = "new"
"""Partition of videos that no shard holds yet."""


@dataclass(frozen=True)
class Survey:
    """What a plan looks up once for all shards."""

    project: Project
    retry_failed: bool
    costs: CostBook
    stages: tuple[Stage, ...]
    after: tuple[Stage, ...]
    specs: Mapping[str, Mapping[str, str]]
    links: Mapping[str, Sequence[LandedVideo]]

    @classmethod
    def of(cls, project: Project, *, retry_failed: bool) -> "Survey":
        """The survey of a project."""
        before = [videos.STAGE, sampled_videos.STAGE, queries.STAGE, aligned_responses.STAGE]
        after = [verified_pairs.STAGE]
        if aligned_checks.wanted(project):
            before.append(aligned_checks.STAGE)
        if project.settings.oracle_truth is not None:
            after.append(oracle_scores.STAGE)
        specs = {stage.table: stage.spec(project) for stage in (*before, *after)}
        specs |= {"adversaries": adversaries.spec(project), "verdicts": verdicts.spec(project)}
        links = videos.links_by_video(project)
        return cls(project, retry_failed, CostBook(project), tuple(before), tuple(after), specs, links)


@dataclass
class _Flow:
    """How much of a shard's rows is touched so far: estimates of steps that wait."""

    pending: bool = False
    touched: dict[str, float] = field(default_factory=dict)
    totals: dict[str, float] = field(default_factory=dict)

    def share(self, tables: Sequence[str]) -> float:
        """Share of the inputs' rows that is touched."""
        shares = [self.touched[table] / self.totals[table] for table in tables if self.totals.get(table)]
        return min(1.0, max(shares, default=0.0))


def plan_shard(survey: Survey, shard: str) -> list[PlanStep]:
    """Steps of a sealed shard, in pipeline order."""
    return _Walk(survey, shard).steps()


def plan_new_videos(survey: Survey, count: int) -> list[PlanStep]:
    """Steps of videos that have not landed yet: all rows are missing, and estimated."""
    walk = _Walk(survey, NEW)
    walk.flow = _Flow(pending=True, touched={"videos": count}, totals={"videos": count})
    first = PlanStep("videos", NEW, rows_missing=count, reasons=(Reason(ReasonKind.NEW_VIDEO, rows=count),))
    return [first, *walk.steps()[1:]]


class _Walk:
    """The stages of one shard in order, with what each leaves for the next."""

    def __init__(self, survey: Survey, shard: str) -> None:
        self.survey, self.shard, self.project = survey, shard, survey.project
        self.flow = _Flow()
        self.manifests: dict[str, Manifest | None] = {}

    def steps(self) -> list[PlanStep]:
        steps = [self._stage(stage) for stage in self.survey.stages]
        steps.append(self._attempts())
        # What the pairs are judged by is no input of the pairs: each waits for the attempts alone.
        pending = self.flow.pending
        for stage in self.survey.after:
            self.flow.pending = pending
            steps.append(self._stage(stage))
        return steps

    def held(self, table: str) -> Manifest | None:
        """The table's manifest, read once."""
        if table not in self.manifests:
            self.manifests[table] = self.project.lake.manifest(self.project.address(table, self.shard))
        return self.manifests[table]

    def version(self, table: str) -> str:
        held = self.held(table)
        return held.data_version if held else ""

    def _stage(self, stage: Stage) -> PlanStep:
        table, parts, held = stage.table, self.survey.specs[stage.table], self.held(stage.table)
        changed = changed_parts(held.spec, parts) if held else ()
        if self.flow.pending:
            step = self._waiting(stage, held, changed)
        else:
            versions = {name: self.version(name) for name in stage.inputs}
            found = None
            if stage is videos.STAGE:
                sealed = read_shard(self.project.lake, self.shard)
                found = videos.found_files(self.project, sealed.videos, self.survey.links)
                versions = videos.files_version(found)
            if self._is_current(stage.table, held, parts, versions):
                step = _fresh(table, self.shard, held)
            elif held and self._same_inputs(table, held, versions, changed):
                step = self._by_counts(stage, held, changed)
            else:
                step = self._by_rows(stage, held, changed)
            touched = step.rows_missing + step.rows_stale + step.rows_failed * self.survey.retry_failed
            self._flows(table, touched, step.rows_fresh + step.rows_missing + step.rows_stale)
        self.flow.pending |= step.to_do
        return step

    def _is_current(
        self, table: str, held: Manifest | None, parts: Mapping[str, str], versions: Mapping[str, str]
    ) -> bool:
        address = self.project.address(table, self.shard)
        return is_current(self.project.lake, address, held, parts, versions, retry_failed=self.survey.retry_failed)

    def _same_inputs(self, table: str, held: Manifest, versions: Mapping[str, str], changed: Sequence[str]) -> bool:
        """Only the content of rows can have changed, not which rows there are: counts decide."""
        retried = self.survey.retry_failed and held.errors
        return (
            bool(held.inputs)
            and held.inputs == versions
            and not retried
            and not any(part.startswith(EXTENT) for part in changed)
            and not self.project.lake.has_journal(self.project.address(table, self.shard))
        )

    def _by_counts(self, stage: Stage, held: Manifest, changed: Sequence[str]) -> PlanStep:
        stale, reasons = _stale_by_counts(stage, held, changed)
        return PlanStep(
            stage.table,
            self.shard,
            rows_fresh=held.rows - stale,
            rows_stale=stale,
            rows_failed=held.errors,
            reasons=reasons,
            cost=self.survey.costs.priced({stage.table: (stale, stale, stale)}),
        )

    def _by_rows(self, stage: Stage, held: Manifest | None, changed: Sequence[str]) -> PlanStep:
        wanted = stage.derive(self.project, self.shard)
        address = self.project.address(stage.table, self.shard)
        rows = (*self.project.lake.rows(address), *self.project.lake.journal(address).rows())
        known = {str(row["row_key"]): row for row in rows}
        state = reconcile(wanted, known.values(), retry_failed=self.survey.retry_failed)
        reasons: list[Reason] = [] if held else [Reason(ReasonKind.NEVER_MATERIALIZED)]
        if self.project.lake.has_journal(address):
            reasons.append(Reason(ReasonKind.INTERRUPTED))
        why_stale = self._why_file if stage is videos.STAGE else stale_reasons
        for derivation in state.stale:
            reasons += why_stale(derivation, known[derivation.row_key], changed)
        if state.missing and (held or stage is videos.STAGE):
            reasons += _why_missing(stage, len(state.missing), changed)
        if state.failed:
            reasons.append(Reason(ReasonKind.FAILED, rows=len(state.failed)))
        if state.dropped:
            reasons.append(Reason(ReasonKind.ORPHANED, rows=len(state.dropped)))
        count = len(state.to_compute)
        return PlanStep(
            stage.table,
            self.shard,
            rows_fresh=len(state.reused),
            rows_missing=len(state.missing),
            rows_stale=len(state.stale),
            rows_failed=sum(row["error"] is not None for row in state.reused) + len(state.failed),
            rows_orphaned=len(state.dropped),
            reasons=counted(reasons),
            cost=self.survey.costs.priced({stage.table: (count, count, count)}),
        )

    def _why_file(self, derivation: Derivation, row: Row, changed: Sequence[str]) -> list[Reason]:
        video, path, _ = derivation.payload
        if changed:
            return [change(part, 1) for part in changed]
        if path is not None:
            return [Reason(ReasonKind.VIDEO_MOVED if row["present"] else ReasonKind.NEW_VIDEO, rows=1)]
        there = (self.project.video_folder / video.path).exists()
        return [Reason(ReasonKind.FILE_CHANGED if there else ReasonKind.VIDEO_REMOVED, rows=1)]

    def _waiting(self, stage: Stage, held: Manifest | None, changed: Sequence[str]) -> PlanStep:
        stale, reasons = (
            _stale_by_counts(stage, held, changed) if held else (0, (Reason(ReasonKind.NEVER_MATERIALIZED),))
        )
        total = self._expected_rows(stage)
        rows = held.rows if held else 0
        share = self.flow.share(stage.inputs)
        touched = min(total, stale + (total - stale) * share + max(0.0, total - rows) * (1 - share))
        self._flows(stage.table, touched, total)
        return PlanStep(
            stage.table,
            self.shard,
            rows_fresh=rows - stale,
            rows_stale=stale,
            rows_failed=held.errors if held else 0,
            waiting=True,
            reasons=(*reasons, Reason(ReasonKind.WAITING)),
            cost=self.survey.costs.priced({stage.table: (0, touched, max(total, touched))}),
        )

    def _expected_rows(self, stage: Stage) -> float:
        """Rows that the table is likely to have once its inputs are there."""
        recipe, totals = self.project.settings.recipe, self.flow.totals
        match stage.table:
            case "queries":
                return totals["sampled_videos"] * recipe.queries_per_video
            case "aligned_responses":
                return totals["queries"]
            case "aligned_checks":
                return totals["aligned_responses"]
            case "verified_pairs" | "oracle_scores":
                return totals.get("verdicts", 0)
            case _:
                return totals["videos"]

    def _flows(self, table: str, touched: float, total: float) -> None:
        self.flow.touched[table], self.flow.totals[table] = touched, total

    def _attempts(self) -> PlanStep:
        held = {table: self.held(table) for table in ("adversaries", "verdicts")}
        made, judged = held["adversaries"], held["verdicts"]
        specs = self.survey.specs
        changed: tuple[str, ...] = ()
        if made and judged:
            changed = changed_parts(made.spec, specs["adversaries"])
            changed += tuple(f"{VERDICT}{part}" for part in changed_parts(judged.spec, specs["verdicts"]))
        versions = {table: self.version(table) for table in adversaries.INPUTS}
        if self.flow.pending:
            return self._attempts_waiting(made, judged, changed)
        inputs = adversaries.verdict_inputs(versions, self.version("adversaries"))
        if self._is_current("adversaries", made, specs["adversaries"], versions) and self._is_current(
            "verdicts", judged, specs["verdicts"], inputs
        ):
            step = _fresh("adversaries", self.shard, made, judged)
            self._flows("verdicts", 0, judged.rows if judged else 0)
            return step
        by_history = (
            made is not None
            and judged is not None
            and self._same_inputs("adversaries", made, versions, changed)
            and self._same_inputs("verdicts", judged, inputs, changed)
        )
        if by_history and made:
            tally = tally_histories(parse_histories(made.counts), changed, retry_failed=self.survey.retry_failed)
        else:
            tally = replay(self.project, self.shard, changed, retry_failed=self.survey.retry_failed)
            if made is None or judged is None:
                tally.reasons = [Reason(ReasonKind.NEVER_MATERIALIZED)]
            if any(self.project.lake.has_journal(self.project.address(table, self.shard)) for table in held):
                tally.reasons.append(Reason(ReasonKind.INTERRUPTED))
        step = self._tallied(tally)
        self.flow.pending |= step.to_do
        self._flows("verdicts", tally.missing + tally.stale, max(1, tally.fresh + tally.missing + tally.stale))
        return step

    def _tallied(self, tally: SlotTally, *, waiting: bool = False) -> PlanStep:
        rows = tally.rows(self.project.settings.recipe.max_attempts, self.survey.costs.attempts)
        return PlanStep(
            "adversaries",
            self.shard,
            rows_fresh=tally.fresh,
            rows_missing=tally.missing,
            rows_stale=tally.stale,
            rows_failed=tally.failed,
            rows_orphaned=tally.orphaned,
            waiting=waiting,
            reasons=counted(tally.reasons),
            cost=self.survey.costs.priced(rows),
        )

    def _attempts_waiting(self, made: Manifest | None, judged: Manifest | None, changed: Sequence[str]) -> PlanStep:
        recipe = self.project.settings.recipe
        source = "aligned_checks" if aligned_checks.wanted(self.project) else "aligned_responses"
        slots = self.flow.totals[source] * recipe.adversaries_per_query
        share = self.flow.share(adversaries.INPUTS)
        tally = SlotTally()
        if made and judged:
            own = [part for part in changed if EXTENT not in part]
            tally = tally_histories(parse_histories(made.counts), own, retry_failed=False)
        held = sum(parse_histories(made.counts).values()) if made else 0
        # Slots whose answer changed are judged again; new slots, and those of changed videos, are generated too.
        regenerated = max(self.flow.share(["sampled_videos"]), self.flow.share(["queries"]))
        new = max(slots * regenerated, slots - held)
        attempts, most = self.survey.costs.attempts, recipe.max_attempts
        rows = tally.rows(most, attempts)
        expected = {
            "adversaries": min(slots * most, rows["adversaries"][1] + new * attempts),
            "verdicts": min(slots * most, rows["verdicts"][1] + max(new, slots * share) * attempts),
        }
        self._flows("verdicts", expected["verdicts"], max(1.0, slots * attempts))
        reasons = tally.reasons if made and judged else [Reason(ReasonKind.NEVER_MATERIALIZED)]
        cost = self.survey.costs.priced({table: (0, count, slots * most) for table, count in expected.items()})
        return PlanStep(
            "adversaries",
            self.shard,
            rows_fresh=(made.rows if made else 0) + (judged.rows if judged else 0) - tally.stale,
            rows_stale=tally.stale,
            rows_failed=tally.failed,
            waiting=True,
            reasons=(*counted(reasons), Reason(ReasonKind.WAITING)),
            cost=cost,
        )


def _fresh(asset: str, shard: str, *held: Manifest | None) -> PlanStep:
    manifests = [manifest for manifest in held if manifest]
    rows, errors = sum(manifest.rows for manifest in manifests), sum(manifest.errors for manifest in manifests)
    return PlanStep(asset, shard, rows_fresh=rows, rows_failed=errors)


def _stale_by_counts(stage: Stage, held: Manifest, changed: Sequence[str]) -> tuple[int, tuple[Reason, ...]]:
    """Rows that changed parts of the specification make stale, and the reasons."""
    parts = [part for part in changed if not part.startswith(EXTENT)]
    own = [part for part in parts if stage.prompt and part.startswith(PROMPT)]
    whole = [part for part in parts if part not in own]
    touched = {part: held.counts.get(part, 0) for part in own} | dict.fromkeys(whole, held.rows)
    stale = held.rows if whole else sum(touched.values())
    return stale, tuple(change(part, rows) for part, rows in touched.items() if rows)


def _why_missing(stage: Stage, rows: int, changed: Sequence[str]) -> list[Reason]:
    if stage is videos.STAGE:
        return [Reason(ReasonKind.NEW_VIDEO, rows=rows)]
    extents = [change(part, rows) for part in changed if part.startswith(EXTENT)]
    return extents or [Reason(ReasonKind.UPSTREAM_GREW, rows=rows)]
