"""Cost estimates from what earlier rows really cost."""

from typing import Final

import pyarrow.compute as pc
import pyarrow.parquet as pq

from videopasta_assets.stages.project import Project

_TABLES: Final = {
    "queries": ("queries",),
    "aligned_responses": ("aligned_responses",),
    "aligned_checks": ("aligned_checks",),
    "adversaries": ("adversaries", "verdicts"),
}
"""Tables whose rows record engine seconds, by asset."""

_SHARDS_READ: Final = 16
"""Recent shards are enough for a mean; a plan over thousands of shards must stay quick."""


def estimated_seconds(project: Project, asset: str, rows: int) -> float | None:
    """Seconds that computing `rows` rows may take: recorded mean times rows; None without a record."""
    if rows == 0:
        return 0.0
    mean = sum(_mean_seconds(project, table) or 0.0 for table in _TABLES.get(asset, ()))
    return round(rows * mean, 3) if mean > 0 else None


def _mean_seconds(project: Project, table: str) -> float | None:
    total, count = 0.0, 0
    for shard in project.lake.shards_of(table, project.recipe)[-_SHARDS_READ:]:
        column = pq.read_table(project.lake.path(project.address(table, shard)), columns=["seconds"])["seconds"]
        total += pc.sum(column).as_py() or 0.0
        count += len(column) - column.null_count
    return total / count if count else None
