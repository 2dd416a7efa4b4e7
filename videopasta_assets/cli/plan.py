"""`videopasta plan`: what a run would do, and why."""

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer
from rich.text import Text

from videopasta_assets.cli.console import OUT, print_json, print_table, say, table
from videopasta_assets.cli.options import (
    HERE,
    JsonOption,
    LimitOption,
    ProjectOption,
    RetryOption,
    SelectOption,
    ShardsOption,
    named,
    open_project,
)

if TYPE_CHECKING:
    from videopasta_assets.planning import Plan, PlanStep
    from videopasta_assets.planning.spec_diff import SpecChange
    from videopasta_assets.stages.project import Project

_MOST_LINES: Final = 60
"""A longer plan is shown by asset; `--json` has every step."""

_COLUMNS: Final = (
    "asset",
    "partition",
    "fresh",
    "missing",
    "stale",
    "orphaned",
    "failed",
    "calls",
    "tokens",
    "time",
    "why",
)


def plan(
    project: ProjectOption = HERE,
    shards: ShardsOption = None,
    select: SelectOption = None,
    limit: LimitOption = None,
    retry_failed: RetryOption = False,
    diff: Annotated[bool, typer.Option("--diff", help="Show what changed in the specification, old and new.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Say what is stale, why, and what it will cost. Writes nothing."""
    opened = open_project(project)
    show_plan(opened, shards, select, limit=limit, retry_failed=retry_failed, diff=diff, as_json=as_json)


def show_plan(
    project: "Project",
    shards: Sequence[str] | None,
    select: Sequence[str] | None,
    *,
    limit: int | None,
    retry_failed: bool,
    diff: bool,
    as_json: bool,
) -> None:
    """Print the plan of what a run with the same options would do, the landing of new videos included.

    Raises:
        UserError: a shard or an asset that does not exist.
    """
    from videopasta_assets.planning import plan_rounds
    from videopasta_assets.stages.iteration import check_rounds

    check_rounds(project)
    unlanded = new_videos(project)
    only, assets = _named(project, shards, select)
    planned = plan_rounds(
        project, shards=only, select=assets, limit=limit, retry_failed=retry_failed, new_videos=unlanded
    )
    changes = _changes(project, planned) if diff else []
    if as_json:
        shown: dict[str, Any] = {**planned.to_json(), "new_videos": unlanded}
        print_json({**shown, "changes": [change.to_json() for change in changes]} if diff else shown)
        return
    print_plan(planned, unlanded)
    for change in changes:
        print_change(change)


def planned_steps(
    project: "Project",
    shards: Sequence[str] | None,
    select: Sequence[str] | None,
    *,
    limit: int | None = None,
    retry_failed: bool,
) -> "Plan":
    """The plan of the project's iteration for the named shards and assets.

    Raises:
        UserError: a shard or an asset that does not exist.
    """
    from videopasta_assets.planning import make_plan

    only, assets = _named(project, shards, select)
    return make_plan(project, shards=only, select=assets, retry_failed=retry_failed, limit=limit)


def _named(
    project: "Project", shards: Sequence[str] | None, select: Sequence[str] | None
) -> tuple[list[str] | None, list[str] | None]:
    from videopasta_assets.lake.shards import list_shards
    from videopasta_assets.planning import ASSETS

    return named("shard", shards, list_shards(project.lake)), named("asset", select, ASSETS)


def new_videos(project: "Project") -> int:
    """Videos in the folder that have not landed yet: a run seals them into new shards first."""
    from videopasta_assets.stages import landing

    return len(landing.look(project).new)


def print_plan(planned: "Plan", unlanded: int) -> None:
    """The plan as a table, without the steps that are fresh."""
    if unlanded:
        say(f"{unlanded} new videos would be sealed into new shards first.")
    if planned.left_out:
        say(f"{planned.left_out} more shards have work; the limit leaves them out.")
    steps = [step for step in planned.steps if step.to_do]
    if not steps:
        OUT.print("Nothing to do: everything is fresh.")
        return
    rows = [_line(step) for step in steps] if len(steps) <= _MOST_LINES else _by_asset(steps)
    print_table(table("", _COLUMNS, rows, right=_COLUMNS[2:-1]))
    OUT.print(_total(planned), highlight=False)


def print_change(change: "SpecChange") -> None:
    """One change of the specification: the difference where the texts are known, else old and new value."""
    where = "1 partition" if change.partitions == 1 else f"{change.partitions} partitions"
    OUT.print(Text(f"\n{change.asset}: {change.part} ({change.kind.value}, {where})"), style="bold")
    if change.lines:
        OUT.print(Text("\n".join(change.lines)))
    else:
        OUT.print(Text(f"- {change.old or 'none'}\n+ {change.new or 'none'}"))


def _changes(project: "Project", planned: "Plan") -> list["SpecChange"]:
    from videopasta_assets.planning.spec_diff import spec_changes

    return spec_changes(project, planned)


def _line(step: "PlanStep") -> tuple[object, ...]:
    return (
        step.asset,
        step.partition,
        step.rows_fresh,
        step.rows_missing or None,
        step.rows_stale or None,
        step.rows_orphaned or None,
        step.rows_failed or None,
        _calls([step]),
        _tokens(step.cost.tokens),
        _duration(step.cost.seconds),
        "; ".join(f"{reason} ({reason.rows})" if reason.rows else str(reason) for reason in step.reasons),
    )


def _by_asset(steps: Sequence["PlanStep"]) -> list[tuple[object, ...]]:
    """One line an asset: a lake of thousands of shards has more steps than anyone reads."""
    from videopasta_assets.planning import Cost, PlanStep
    from videopasta_assets.planning.reasons import counted

    order = list(dict.fromkeys(step.asset for step in steps))
    lines = []
    for asset, group in groupby(sorted(steps, key=lambda step: order.index(step.asset)), key=lambda step: step.asset):
        own = list(group)
        whole = PlanStep(
            asset,
            own[0].partition if len(own) == 1 else f"{len(own)} partitions",
            rows_fresh=sum(step.rows_fresh for step in own),
            rows_missing=sum(step.rows_missing for step in own),
            rows_stale=sum(step.rows_stale for step in own),
            rows_orphaned=sum(step.rows_orphaned for step in own),
            rows_failed=sum(step.rows_failed for step in own),
            waiting=any(step.waiting for step in own),
            reasons=counted(reason for step in own for reason in step.reasons),
            cost=Cost.total(step.cost for step in own),
        )
        lines.append(_line(whole))
    return lines


def _calls(steps: Sequence["PlanStep"]) -> str | None:
    """Certain calls, and what is expected where that is more."""
    from videopasta_assets.planning import Cost

    cost = Cost.total(step.cost for step in steps)
    if not cost.calls_most:
        return None
    if cost.calls == cost.calls_most:
        return str(cost.calls)
    return f"{cost.calls} + ~{max(0, cost.calls_expected - cost.calls)}"


def _total(planned: "Plan") -> str:
    steps = [step for step in planned.steps if step.to_do]
    cost = planned.cost
    parts = [f"{len(steps)} steps"]
    if cost.calls_most:
        parts.append(f"{cost.calls} calls for certain, {cost.calls_expected} expected, at most {cost.calls_most}")
    if cost.tokens:
        parts.append(f"about {_tokens(cost.tokens)} tokens")
    if cost.seconds:
        unknown = any(step.cost.seconds is None for step in steps)
        parts.append(f"{'at least ' if unknown else 'about '}{_duration(cost.seconds)}")
    return ", ".join(parts) + "."


def _tokens(count: int | None) -> str | None:
    if not count:
        return None
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return str(count)


def _duration(seconds: float | None) -> str | None:
    if not seconds:
        return None
    if seconds < 120:
        return f"{seconds:.0f} s" if seconds >= 1 else "<1 s"
    return f"{seconds / 60:.0f} min" if seconds < 2 * 3600 else f"{seconds / 3600:.1f} h"
