"""What a project holds, in the few figures that a run ends with."""

from dataclasses import asdict, astuple, dataclass
from typing import TYPE_CHECKING, Any, Final

from videopasta_assets.cli.console import table
from videopasta_assets.recipes.retention import ModeTally
from videopasta_assets.taxonomy import MODES

if TYPE_CHECKING:
    import duckdb
    from rich.table import Table

    from videopasta_assets.stages.project import Project

_COUNTS: Final = """
SELECT (SELECT count(DISTINCT video_id) FROM videos WHERE present),
       (SELECT count(DISTINCT video_id) FROM sampled_videos WHERE error IS NOT NULL),
       (SELECT count(*) FROM queries WHERE error IS NULL),
       (SELECT count(*) FROM aligned_responses WHERE error IS NULL),
       (SELECT count(*) FROM verified_pairs WHERE error IS NULL)
"""
_MODES: Final = """
SELECT adv_mode, slots, attempts, accepted, pairs FROM retention_by_mode WHERE recipe = $1
"""
_ANSWERED: Final = ("sampled_videos", "queries", "aligned_responses", "aligned_checks", "adversaries", "verdicts")
_FAILED: Final = " UNION ALL ".join(
    f"SELECT '{name}' AS asset, count(*) AS failed, mode(error) AS most_often FROM {name} "
    f"WHERE error IS NOT NULL HAVING count(*) > 0"
    for name in _ANSWERED
)
_CHECKPOINTS: Final = """
SELECT recipe, iteration, experiment, pairs, steps, reward_accuracy, seconds, created_at, adapter, preference_set
FROM lora_checkpoint WHERE error IS NULL ORDER BY recipe, experiment, iteration
"""
_SCORES: Final = """
SELECT recipe, iteration, experiment, benchmark, mode, items, base_accuracy, tuned_accuracy, difference,
       difference_low, difference_high
FROM benchmark_scores WHERE error IS NULL ORDER BY recipe, experiment, iteration, benchmark, mode = 'all', mode
"""
_ROUNDS: Final = """
WITH shards AS (
    SELECT iteration, count(DISTINCT shard) AS shards FROM queries WHERE recipe = $1 GROUP BY iteration
), pairs AS (
    SELECT iteration, count(*) AS pairs FROM verified_pairs WHERE recipe = $1 AND error IS NULL GROUP BY iteration
)
SELECT iteration, shards, coalesce(pairs, 0) AS pairs
FROM shards LEFT JOIN pairs USING (iteration) ORDER BY iteration
"""
_SEVERAL: Final = ("recipe", "iteration")
"""Columns that are shown only where they tell rows apart."""


@dataclass(frozen=True)
class Summary:
    """Counts, failed rows, retention by mode, checkpoints and scores; of a repeated recipe its iterations."""

    videos: int
    unreadable: int
    queries: int
    aligned_responses: int
    pairs: int
    modes: tuple[ModeTally, ...]
    checkpoints: tuple[dict[str, Any], ...]
    scores: tuple[dict[str, Any], ...]
    iterations: tuple[dict[str, Any], ...] = ()
    failures: tuple[dict[str, Any], ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The summary for scripts."""
        modes = [
            {**asdict(mode), "slot_retention": mode.retention, "attempt_acceptance": mode.acceptance}
            for mode in self.modes
        ]
        return {**asdict(self), "modes": modes}


def summarize(connection: "duckdb.DuckDBPyConnection", project: "Project") -> Summary:
    """The summary of the project's lake, which is behind `connection`.

    Slots are all that the queries could have (videos x queries x adversaries), whether an attempt was made or an
    earlier step left the query out: slot retention is the share of potential pairs that passed.
    """
    videos, unreadable, queries, aligned, pairs = connection.execute(_COUNTS).fetchall()[0]
    made = {mode: counts for mode, *counts in connection.execute(_MODES, [project.recipe]).fetchall()}
    return Summary(
        videos,
        unreadable,
        queries,
        aligned,
        pairs,
        modes=tuple(ModeTally(mode.value, *made.get(mode.value, (0, 0, 0, 0))) for mode in MODES),
        checkpoints=_records(connection, _CHECKPOINTS),
        scores=_records(connection, _SCORES),
        iterations=_records(connection, _ROUNDS, [project.recipe]) if project.settings.recipe.iterations > 1 else (),
        failures=_records(connection, _FAILED),
    )


def tables(summary: Summary) -> list["Table"]:
    """The summary for people."""
    counted = ("mode", "slots", "attempts", "accepted", "pairs", "slot retention", "attempt acceptance")
    unreadable = f" ({summary.unreadable} unreadable)" if summary.unreadable else ""
    drawn = [
        table(
            "",
            ("videos", "queries", "aligned responses", "verified pairs"),
            [(f"{summary.videos}{unreadable}", summary.queries, summary.aligned_responses, summary.pairs)],
        ),
        table(
            "Retention by failure mode",
            counted,
            [(*astuple(mode), _percent(mode.retention), _percent(mode.acceptance)) for mode in summary.modes],
            right=counted[1:],
        ),
    ]
    if summary.failures:
        why = [(row["asset"], row["failed"], row["most_often"]) for row in summary.failures]
        title = "Rows that failed; once mended, `videopasta run --retry-failed` asks for them again"
        drawn.append(table(title, ("asset", "rows", "most often"), why, right=("rows",)))
    if summary.iterations:
        heads = ("iteration", "shards", "verified pairs")
        turns = [tuple(row.values()) for row in summary.iterations]
        drawn.append(table("Iterations", heads, turns, right=heads[1:]))
    if summary.checkpoints:
        places = _telling(summary.checkpoints)
        rows = [
            (
                *(row[name] for name in places),
                row["experiment"],
                row["pairs"],
                row["steps"],
                _percent(row["reward_accuracy"]),
                f"{row['seconds']:.0f} s",
            )
            for row in summary.checkpoints
        ]
        shown = ("experiment", "pairs", "steps", "reward accuracy", "time")
        drawn.append(table("LoRA checkpoints", (*places, *shown), rows, right=shown[1:]))
    if summary.scores:
        places = _telling(summary.scores)
        several = len({(row["experiment"], row["benchmark"]) for row in summary.scores}) > 1
        scores = [
            (
                *(row[name] for name in places),
                *((row["experiment"], row["benchmark"]) if several else ()),
                row["mode"],
                row["items"],
                _percent(row["base_accuracy"]),
                _percent(row["tuned_accuracy"]),
                _difference(row),
            )
            for row in summary.scores
        ]
        columns = (
            *places,
            *(("experiment", "benchmark") if several else ()),
            "mode",
            "items",
            "before",
            "after",
            "difference",
        )
        title = "Accuracy before and after training, with the 95 % interval of the difference in points"
        drawn.append(table(title, columns, scores, right=("items", "before", "after", "difference")))
    return drawn


def _telling(rows: tuple[dict[str, Any], ...]) -> tuple[str, ...]:
    return tuple(name for name in _SEVERAL if len({row[name] for row in rows}) > 1)


def _records(
    connection: "duckdb.DuckDBPyConnection", query: str, values: list[str] | None = None
) -> tuple[dict[str, Any], ...]:
    result = connection.execute(query, values)
    names = [column[0] for column in result.description or []]
    return tuple(dict(zip(names, row, strict=True)) for row in result.fetchall())


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{100 * share:.1f} %"


def _difference(row: dict[str, Any]) -> str | None:
    if row["difference"] is None:
        return None
    points, low, high = (row[name] for name in ("difference", "difference_low", "difference_high"))
    interval = "" if low is None or high is None else f" [{100 * low:+.1f}, {100 * high:+.1f}]"
    return f"{100 * points:+.1f}{interval}"
