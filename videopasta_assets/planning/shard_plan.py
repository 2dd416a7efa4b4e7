"""The plan of one shard: each stage against its manifest first, against its rows only where that does not decide.

Three depths. A manifest whose inputs and specification are those of now proves its rows fresh. Where only the
specification changed, the manifest's counts say how many rows that makes stale. Only where inputs changed, a run was
interrupted, or failed rows are tried again, are rows derived and compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from videopasta_assets.lake import Derivation, Manifest, Row, reconcile
from videopasta_assets.lake.shards import LandedVideo, read_shard
from videopasta_assets.oracle.stages import ORACLE_STAGES
from videopasta_assets.planning.attempts import SlotTally, replay, stale_reasons, tally_histories
from videopasta_assets.planning.cost import CostBook
from videopasta_assets.planning.flow import Flow, Touched
from videopasta_assets.planning.reasons import VERDICT, change, changed_parts, counted
from videopasta_assets.planning.step import PlanStep, Reason, ReasonKind
from videopasta_assets.stages import (
    adversaries,
    aligned_checks,
    sampled_videos,
    verdicts,
    verified_pairs,
    videos,
)
from videopasta_assets.stages.attempt_history import parse_histories
from videopasta_assets.stages.generation import EXTENT, PROMPT
from videopasta_assets.stages.materialize import Stage, is_current
from videopasta_assets.stages.project import Project
from videopasta_assets.stages.recipes import recipe_of

NEW: Final = "new"
"""Partition of videos that no shard holds yet."""

_OF_ALL_ITERATIONS: Final = ("videos", "sampled_videos")
"""Planned with the first iteration."""


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
    attempts: bool

    @classmethod
    def of(cls, project: Project, *, retry_failed: bool) -> "Survey":
        """The survey of a project."""
        recipe = recipe_of(project)
        before = (videos.STAGE, sampled_videos.STAGE, *(stage.stage for stage in recipe.stages))
        after = [verified_pairs.STAGE]
        if project.settings.oracle_truth is not None:
            after += ORACLE_STAGES
        specs = {stage.table: stage.spec(project) for stage in (*before, *after)}
        if recipe.attempts:
            specs |= {"adversaries": adversaries.spec(project), "verdicts": verdicts.spec(project)}
        links = videos.links_by_video(project)
        costs = CostBook(project)
        return cls(project, retry_failed, costs, before, tuple(after), specs, links, recipe.attempts)


def plan_shard(survey: Survey, shard: str, *, start_pending: bool = False) -> list[PlanStep]:
    """Steps of a sealed shard, in pipeline order; `start_pending`: models are still to come."""
    walk = _Walk(survey, shard, start_pending)
    return walk.own(walk.steps(survey.stages))


def plan_new_videos(survey: Survey, count: int) -> list[PlanStep]:
    """Steps of videos that have not landed yet: all rows are missing, and estimated."""
    walk = _Walk(survey, NEW, start_pending=False)
    walk.pending = True
    walk.flow.tables["videos"] = Touched(count, count, count)
    first = PlanStep("videos", NEW, rows_missing=count, reasons=(Reason(ReasonKind.NEW_VIDEO, rows=count),))
    return walk.own([first, *walk.steps(survey.stages[1:])])


class _Walk:
    """The stages of one shard in order, with what each leaves for the next."""

    def __init__(self, survey: Survey, shard: str, start_pending: bool) -> None:
        self.survey, self.shard, self.project = survey, shard, survey.project
        self.start_pending = start_pending
        self.flow = Flow(self.project.settings.recipe)
        self.pending = False
        self.manifests: dict[str, Manifest | None] = {}

    def steps(self, stages: Sequence[Stage]) -> list[PlanStep]:
        """Steps of `stages`, and of all that follows them."""
        steps = [self._stage(stage) for stage in stages]
        if self.survey.attempts:
            steps.append(self._attempts())
        # What the pairs are judged by is no input of the pairs: each waits for the attempts and what it reads.
        pending = self.pending
        for stage in self.survey.after:
            self.pending = pending or any(step.to_do for step in steps if step.asset in stage.inputs)
            steps.append(self._stage(stage))
        return steps

    def own(self, steps: Sequence[PlanStep]) -> list[PlanStep]:
        """The steps that are the iteration's own, under its partition key."""
        key, later = self.project.partition(self.shard), self.project.iteration > 1
        return [replace(step, partition=key) for step in steps if not (later and step.asset in _OF_ALL_ITERATIONS)]

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
        if self.pending:
            step = self._waiting(stage, held, changed)
        else:
            versions = {name: self.version(name) for name in stage.inputs}
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
            self.flow.tables[table] = _touched(step, retry_failed=self.survey.retry_failed)
        self.pending |= step.to_do or (self.start_pending and table == _OF_ALL_ITERATIONS[-1])
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
        rows = held.rows if held else 0
        touched = self.flow.through(stage.table, stage.inputs, rows, stale)
        self.flow.tables[stage.table] = touched
        return PlanStep(
            stage.table,
            self.shard,
            rows_fresh=rows - stale,
            rows_stale=stale,
            rows_failed=held.errors if held else 0,
            waiting=True,
            reasons=(*reasons, Reason(ReasonKind.WAITING)),
            cost=self.survey.costs.priced({stage.table: (0, touched.expected, touched.most)}),
        )

    def _attempts(self) -> PlanStep:
        held = {table: self.held(table) for table in ("adversaries", "verdicts")}
        made, judged = held["adversaries"], held["verdicts"]
        specs = self.survey.specs
        changed: tuple[str, ...] = ()
        if made and judged:
            changed = changed_parts(made.spec, specs["adversaries"])
            changed += tuple(f"{VERDICT}{part}" for part in changed_parts(judged.spec, specs["verdicts"]))
        versions = {table: self.version(table) for table in adversaries.INPUTS}
        if self.pending:
            return self._attempts_waiting(made, judged, changed)
        inputs = adversaries.verdict_inputs(versions, self.version("adversaries"))
        if self._is_current("adversaries", made, specs["adversaries"], versions) and self._is_current(
            "verdicts", judged, specs["verdicts"], inputs
        ):
            self.flow.tables["verdicts"] = Touched(0, 0, judged.rows if judged else 0)
            return _fresh("adversaries", self.shard, made, judged)
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
        self.pending |= step.to_do
        touched = tally.missing + tally.stale
        self.flow.tables["verdicts"] = Touched(touched, touched, tally.fresh + touched)
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
        """Slots that changed themselves are known; those whose answer may change are expected."""
        slots = self.flow.slots("aligned_checks" if aligned_checks.wanted(self.project) else "aligned_responses")
        tally = SlotTally()
        if made and judged:
            own = [part for part in changed if EXTENT not in part]
            tally = tally_histories(parse_histories(made.counts), own, retry_failed=False)
        held = sum(parse_histories(made.counts).values()) if made else 0
        new = max(0.0, slots.total - held)
        # A changed answer is judged again; another question, or other frames, ask for other adversaries too.
        regenerated = max(slots.total * self.flow.share(["sampled_videos", "queries"]), new)
        judged_anew = max(slots.expected, new)
        attempts, most = self.survey.costs.attempts, self.project.settings.recipe.max_attempts
        rows = tally.rows(most, attempts)
        expected = {
            "adversaries": min(slots.total * most, rows["adversaries"][1] + regenerated * attempts),
            "verdicts": min(slots.total * most, rows["verdicts"][1] + judged_anew * attempts),
        }
        bound = max(slots.most, new) * most
        self.flow.tables["verdicts"] = Touched(
            expected["verdicts"], min(slots.total * most, bound + tally.stale), slots.total * attempts
        )
        reasons = tally.reasons if made and judged else [Reason(ReasonKind.NEVER_MATERIALIZED)]
        return PlanStep(
            "adversaries",
            self.shard,
            rows_fresh=(made.rows if made else 0) + (judged.rows if judged else 0) - tally.stale,
            rows_stale=tally.stale,
            rows_failed=tally.failed,
            waiting=True,
            reasons=(*counted(reasons), Reason(ReasonKind.WAITING)),
            cost=self.survey.costs.priced(
                {
                    table: (0, count, max(count, min(slots.total * most, bound + rows[table][2])))
                    for table, count in expected.items()
                }
            ),
        )


def _touched(step: PlanStep, *, retry_failed: bool) -> Touched:
    """What a step that does not wait leaves to the next: a video that is gone asks for nothing."""
    gone = sum(
        reason.rows
        for reason in step.reasons
        if reason.kind in (ReasonKind.VIDEO_REMOVED, ReasonKind.FILE_CHANGED) and step.asset == "videos"
    )
    touched = step.rows_missing + step.rows_stale - gone
    failed = 0 if retry_failed else step.rows_failed
    return Touched(touched, touched + step.rows_failed * retry_failed, step.rows_fresh + touched - failed)


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
