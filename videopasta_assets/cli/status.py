"""`videopasta status`: what the lake holds."""

from typing import TYPE_CHECKING, Any

from videopasta_assets.cli.console import OUT, print_json, print_table, table
from videopasta_assets.cli.options import HERE, JsonOption, ProjectOption, open_project

if TYPE_CHECKING:
    from videopasta_assets.stages.project import Project


def status(project: ProjectOption = HERE, as_json: JsonOption = False) -> None:
    """Show tables, rows, errors, checkpoints and scores."""
    from dbt_like_sql.views import connect
    from videopasta_assets.cli.summary import summarize, tables

    opened = open_project(project)
    held = [_held(opened, name) for name in _table_names()]
    summary = summarize(connect(opened.lake, recipe=opened.settings.recipe), opened)
    if as_json:
        print_json({"project": opened.settings.root, "lake": opened.lake.root, "tables": held, **summary.to_json()})
        return
    columns = ("table", "shards", "rows", "errors", "last written", "interrupted")
    rows = [
        (
            entry["table"],
            entry["shards"],
            entry["rows"],
            entry["errors"] or None,
            (entry["last_written"] or "-")[:19],
            entry["interrupted"] or None,
        )
        for entry in held
    ]
    print_table(table(f"Lake {opened.lake.root}", columns, rows, right=("shards", "rows", "errors", "interrupted")))
    for drawn in tables(summary):
        print_table(drawn)
    if any(entry["errors"] for entry in held):
        OUT.print('Errors are rows: videopasta sql "SELECT * FROM <table> WHERE error IS NOT NULL"')


def _table_names() -> list[str]:
    from videopasta_assets.lake import TABLES

    return list(TABLES)


def _held(project: "Project", name: str) -> dict[str, Any]:
    """Figures of one table, from the footers of its files alone."""
    recipe = project.address(name, "any").recipe
    addresses = [project.address(name, shard) for shard in project.lake.shards_of(name, recipe)]
    manifests = [manifest for address in addresses if (manifest := project.lake.manifest(address)) is not None]
    return {
        "table": name,
        "shards": len(manifests),
        "rows": sum(manifest.rows for manifest in manifests),
        "errors": sum(manifest.errors for manifest in manifests),
        "last_written": max((manifest.written_at for manifest in manifests), default=None),
        "interrupted": project.lake.interrupted(name, recipe),
    }
