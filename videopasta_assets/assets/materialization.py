"""What Dagster is told of a materialization: version, counts, errors and example rows."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final

import dagster as dg

from resources.artifact import asset_key
from videopasta_assets.assets.preview import markdown_table
from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.lake import TABLES, Row
from videopasta_assets.stages.materialize import Outcome
from videopasta_assets.stages.project import Project
from videopasta_assets.stages.repair import Parsed

MISTAKE: Final = "mistake"
"""Metadata of a failure: true when the user can mend it, false when work failed."""

_EXAMPLES: Final = 5
_HIDDEN: Final = frozenset({"row_key", "provenance", "data_version", "error", "created_at"})


@contextmanager
def one_sentence() -> Iterator[None]:
    """Turn an error that we raise on purpose into a step failure that says just its sentence."""
    try:
        yield
    except VideoPastaError as error:
        raise dg.Failure(
            description=str(error), metadata={MISTAKE: isinstance(error, UserError)}, allow_retries=False
        ) from error


def result_of(
    project: Project, table: str, shard: str, outcome: Outcome, extra: Mapping[str, Any] | None = None
) -> dg.MaterializeResult[Any]:
    """The result of materializing `table` for `shard`, with an explicit data version.

    Args:
        project: gives key and lake.
        table: table of the lake.
        shard: the lake's shard key.
        outcome: what the stage did.
        extra: further metadata.
    """
    rows = project.lake.rows(project.address(table, shard))
    failed = [row for row in rows if row["error"] is not None]
    metadata: dict[str, Any] = {
        "dagster/row_count": outcome.manifest.rows,
        "reused": outcome.reused,
        "computed": outcome.computed,
        "dropped": outcome.dropped,
        "failed": outcome.failed,
        "path": dg.MetadataValue.path(str(project.lake.path(project.address(table, shard)))),
        "examples": dg.MetadataValue.md(markdown_table(_shown(table, rows))),
    }
    read = [row["parsed"] for row in rows if row.get("parsed") is not None]
    if read:
        metadata |= {
            "parse rate": sum(parsed != Parsed.NO for parsed in read) / len(read),
            "repaired": read.count(Parsed.REPAIRED),
        }
    told = [row for row in rows if row.get("cached_tokens") is not None]
    if prompts := sum(row["prompt_tokens"] for row in told):
        metadata["cached share of prompt tokens"] = sum(row["cached_tokens"] for row in told) / prompts
    if failed:
        metadata["errors"] = dg.MetadataValue.md(
            markdown_table([{"error": row["error"]} for row in failed[:_EXAMPLES]])
        )
    return dg.MaterializeResult(
        asset_key=asset_key(project, table),
        data_version=dg.DataVersion(outcome.manifest.data_version),
        metadata={**metadata, **(extra or {})},
    )


def _shown(table: str, rows: list[Row]) -> list[Row]:
    """A few good rows with the columns that a person reads: no hashes of places, no lists of numbers."""
    columns = [
        column.name
        for column in TABLES[table].columns
        if column.name not in _HIDDEN and column.content and not column.name.endswith(("_id", "_frames", "_timestamps"))
    ]
    good = (row for row in rows if row["error"] is None)
    return [{name: row[name] for name in columns} for row, _ in zip(good, range(_EXAMPLES), strict=False)]
