"""`videopasta plan`: what a run would do, and why."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from videopasta_assets.cli.console import OUT, print_json, print_table, say, table
from videopasta_assets.cli.options import HERE, JsonOption, ProjectOption, open_project
from videopasta_assets.errors import UserError

if TYPE_CHECKING:
    from videopasta_assets.planning import Plan, PlanStep
    from videopasta_assets.stages.project import Project

ShardsOption = Annotated[
    list[str] | None,
    typer.Option("--shards", help="Only these shards, comma separated; may be repeated.", show_default="all"),
]
SelectOption = Annotated[
    list[str] | None,
    typer.Option("--select", help="Only these assets, comma separated; may be repeated.", show_default="all"),
]
RetryOption = Annotated[bool, typer.Option("--retry-failed", help="Try error rows again.")]


def plan(
    project: ProjectOption = HERE,
    shards: ShardsOption = None,
    select: SelectOption = None,
    retry_failed: RetryOption = False,
    as_json: JsonOption = False,
) -> None:
    """Say what is stale, why, and what it will cost. Writes nothing."""
    opened = open_project(project)
    planned = planned_steps(opened, shards, select, retry_failed=retry_failed)
    unlanded = new_videos(opened)
    if as_json:
        print_json({**planned.to_json(), "new_videos": unlanded})
    else:
        print_plan(planned, unlanded)


def planned_steps(
    project: "Project", shards: Sequence[str] | None, select: Sequence[str] | None, *, retry_failed: bool
) -> "Plan":
    """The plan for the named shards and assets.

    Raises:
        UserError: a shard or an asset that does not exist.
    """
    from videopasta_assets.lake.shards import list_shards
    from videopasta_assets.planning import make_plan
    from videopasta_assets.planning.plan import SHARD_ASSETS

    return make_plan(
        project,
        retry_failed=retry_failed,
        shards=_named("shard", shards, list_shards(project.lake)),
        select=_named("asset", select, (*SHARD_ASSETS, "preference_set", "lora_checkpoint", "benchmark_scores")),
    )


def new_videos(project: "Project") -> int:
    """Videos in the folder that have not landed yet: a run seals them into new shards first."""
    from videopasta_assets.stages import landing

    return len(landing.look(project).new)


def print_plan(planned: "Plan", unlanded: int) -> None:
    """The plan as a table, without the steps that are fresh."""
    if unlanded:
        say(f"{unlanded} new videos would be sealed into new shards first.")
    steps = [step for step in planned.steps if step.to_do]
    if not steps:
        OUT.print("Nothing to do: everything is fresh." if not unlanded else "Nothing else to do.")
        return
    columns = ("asset", "partition", "fresh", "to compute", "to drop", "failed", "time", "why")
    rows = [
        (
            step.asset,
            step.partition,
            step.rows_fresh,
            "after its inputs" if step.waiting else step.rows_missing + step.rows_stale,
            step.rows_dropped or None,
            step.rows_failed or None,
            _duration(step.estimated_seconds),
            "; ".join(step.reasons),
        )
        for step in steps
    ]
    print_table(table("", columns, rows, right=("fresh", "to compute", "to drop", "failed", "time")))
    OUT.print(_total(steps))


def _total(steps: Sequence["PlanStep"]) -> str:
    rows = sum(step.rows_missing + step.rows_stale for step in steps)
    known = sum(step.estimated_seconds or 0 for step in steps)
    unknown = any(step.waiting or step.estimated_seconds is None for step in steps)
    return f"{len(steps)} steps, {rows} rows known so far, {'at least ' if unknown else ''}{_duration(known) or '0 s'}."


def _duration(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"


def _named(kind: str, given: Sequence[str] | None, known: Sequence[str]) -> list[str] | None:
    """The comma separated words of `given`, each one of `known`."""
    if not given:
        return None
    words = [word.strip() for part in given for word in part.split(",") if word.strip()]
    wrong = [word for word in words if word not in known]
    if wrong:
        shown = ", ".join(known[:12]) + (", ..." if len(known) > 12 else "")
        raise UserError(f"there is no {kind} {wrong[0]!r}", fix=f"Known: {shown or 'none yet'}.")
    return words
