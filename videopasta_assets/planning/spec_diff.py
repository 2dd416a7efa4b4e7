"""What changed in the specification since rows were written: which part, and from what to what."""

import difflib
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from videopasta_assets.oracle.stages import ORACLE_STAGES
from videopasta_assets.planning.reasons import changed_parts, kind_of
from videopasta_assets.planning.step import Plan, ReasonKind
from videopasta_assets.stages import (
    adversaries,
    benchmark_answers,
    benchmark_scores,
    lora_checkpoint,
    preference_set,
    sampled_videos,
    verdicts,
    verified_pairs,
    videos,
)
from videopasta_assets.stages.generation import EXTENT, PROMPT
from videopasta_assets.stages.iteration import known_iteration, number_of
from videopasta_assets.stages.project import Project
from videopasta_assets.stages.recipes import recipe_of
from videopasta_assets.stages.spec_text import spec_texts, text_of


@dataclass(frozen=True)
class SpecChange:
    """A part of an asset's specification that is no longer what rows were computed with.

    Attributes:
        asset: the asset.
        part: name of the part.
        kind: what kind of change it is.
        old: value then, a hash where the value is a text or settings; empty when the part is new.
        new: value now; empty when the part is gone.
        partitions: partitions that hold rows of the old value.
        lines: the difference line by line (unified), where both texts are known.
    """

    asset: str
    part: str
    kind: ReasonKind
    old: str
    new: str
    partitions: int
    lines: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The change for scripts."""
        return {**asdict(self), "kind": self.kind.value}


def spec_changes(project: Project, plan: Plan) -> list[SpecChange]:
    """Changes that the steps of `plan` stand before, each once, in the order of the plan.

    Raises:
        UserError: a template is malformed.
    """
    found: dict[tuple[str, str, str, str], int] = {}
    rounds: dict[int, _Specs | None] = {}
    looped = recipe_of(project).attempts
    for step in plan.steps:
        if step.to_do:
            number = number_of(project, step.partition)
            if number not in rounds:
                # What an iteration will be asked with is not known before its model is there.
                turn = known_iteration(project, number)
                rounds[number] = None if turn is None else _Specs(turn)
            specs = rounds[number]
            if specs is None:
                continue
            for table in ("adversaries", "verdicts") if looped and step.asset == "adversaries" else (step.asset,):
                now = specs.of(table, specs.project.plain(step.partition))
                for change in _of_partition(specs.project, table, step.partition, now):
                    found[change] = found.get(change, 0) + 1
    texts = spec_texts(project)
    return [
        SpecChange(
            asset, part.replace(EXTENT, ""), kind_of(part), old, new, count, _lines(project, texts, part, old, new)
        )
        for (asset, part, old, new), count in found.items()
    ]


class _Specs:
    """Specifications of one iteration as they are now, each looked up once."""

    def __init__(self, project: Project) -> None:
        self.project = project
        recipe = recipe_of(project)
        stages = [videos.STAGE, sampled_videos.STAGE, *(stage.stage for stage in recipe.stages), verified_pairs.STAGE]
        self._of_shards = {stage.table: stage.spec for stage in (*stages, *ORACLE_STAGES)}
        self._of_shards["preference_set"] = preference_set.spec
        if recipe.attempts:
            self._of_shards |= {"adversaries": adversaries.spec, "verdicts": verdicts.spec}
        self._known: dict[tuple[str, str], dict[str, str]] = {}

    def of(self, table: str, partition: str) -> dict[str, str]:
        """Parts of the specification of a table, for experiments of that partition."""
        key = (table, "" if table in self._of_shards else partition)
        if key not in self._known:
            stage = self._of_shards.get(table)
            self._known[key] = stage(self.project) if stage else _of_fan_in(self.project, table, partition)
        return self._known[key]


def _of_partition(
    project: Project, table: str, partition: str, now: dict[str, str]
) -> Iterator[tuple[str, str, str, str]]:
    held = project.lake.manifest(project.address(table, partition))
    if held is None or not now:
        return
    for part in changed_parts(held.spec, now):
        yield table, part, held.spec.get(part, ""), now.get(part, "")


def _of_fan_in(project: Project, table: str, partition: str) -> dict[str, str]:
    if table == "lora_checkpoint":
        return lora_checkpoint.spec(project, partition)
    if table == "benchmark_scores":
        scored = {
            benchmark_answers.partition(experiment.name, benchmark.name): benchmark.name
            for experiment in project.settings.experiments
            for benchmark in project.settings.evaluation.benchmarks
        }
        return benchmark_scores.spec(project, scored[partition])
    return {}


def _lines(project: Project, texts: dict[str, str], part: str, old: str, new: str) -> tuple[str, ...]:
    before, after = text_of(project, old), texts.get(new) or text_of(project, new)
    if before is None or after is None:
        return ()
    name = part.replace(EXTENT, "").removeprefix(PROMPT)
    diff = difflib.unified_diff(before.splitlines(), after.splitlines(), f"{name} (then)", f"{name} (now)", lineterm="")
    return tuple(diff)
