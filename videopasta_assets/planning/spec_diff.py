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
    aligned_checks,
    aligned_responses,
    benchmark_answers,
    benchmark_scores,
    lora_checkpoint,
    preference_set,
    queries,
    sampled_videos,
    verdicts,
    verified_pairs,
    videos,
)
from videopasta_assets.stages.generation import EXTENT, PROMPT
from videopasta_assets.stages.project import Project
from videopasta_assets.stages.spec_text import spec_texts, text_of

_SHARD_SPECS = {
    "videos": videos.spec,
    "sampled_videos": sampled_videos.spec,
    "queries": queries.spec,
    "aligned_responses": aligned_responses.spec,
    "aligned_checks": aligned_checks.spec,
    "adversaries": adversaries.spec,
    "verdicts": verdicts.spec,
    "verified_pairs": verified_pairs.spec,
    "preference_set": preference_set.spec,
    **{stage.table: stage.spec for stage in ORACLE_STAGES},
}


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
    specs: dict[tuple[str, str], dict[str, str]] = {}
    for step in plan.steps:
        if step.to_do:
            for table in ("adversaries", "verdicts") if step.asset == "adversaries" else (step.asset,):
                key = (table, "" if table in _SHARD_SPECS else step.partition)
                if key not in specs:
                    specs[key] = _spec(project, table, step.partition)
                for change in _of_partition(project, table, step.partition, specs[key]):
                    found[change] = found.get(change, 0) + 1
    texts = spec_texts(project)
    return [
        SpecChange(
            asset, part.replace(EXTENT, ""), kind_of(part), old, new, count, _lines(project, texts, part, old, new)
        )
        for (asset, part, old, new), count in found.items()
    ]


def _of_partition(
    project: Project, table: str, partition: str, now: dict[str, str]
) -> Iterator[tuple[str, str, str, str]]:
    held = project.lake.manifest(project.address(table, partition))
    if held is None or not now:
        return
    for part in changed_parts(held.spec, now):
        yield table, part, held.spec.get(part, ""), now.get(part, "")


def _spec(project: Project, table: str, partition: str) -> dict[str, str]:
    if table == "lora_checkpoint":
        return lora_checkpoint.spec(project, partition)
    if table == "benchmark_scores":
        scored = {
            benchmark_answers.partition(experiment.name, benchmark.name): benchmark.name
            for experiment in project.settings.experiments
            for benchmark in project.settings.evaluation.benchmarks
        }
        return benchmark_scores.spec(project, scored[partition])
    stage = _SHARD_SPECS.get(table)
    return stage(project) if stage else {}


def _lines(project: Project, texts: dict[str, str], part: str, old: str, new: str) -> tuple[str, ...]:
    before, after = text_of(project, old), texts.get(new) or text_of(project, new)
    if before is None or after is None:
        return ()
    name = part.replace(EXTENT, "").removeprefix(PROMPT)
    diff = difflib.unified_diff(before.splitlines(), after.splitlines(), f"{name} (then)", f"{name} (now)", lineterm="")
    return tuple(diff)
