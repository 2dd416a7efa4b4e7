"""Asset `preference_set`: the fan-in. All shards' pairs as one content-hashed manifest that training reads."""

from collections import Counter
from typing import Any, Final

import dagster as dg

from resources.artifact import VERIFICATION, artifact_spec
from videopasta_assets.assets.materialization import one_sentence, result_of
from videopasta_assets.assets.preview import column_lineage, markdown_picture, markdown_table, report_metadata
from videopasta_assets.lake import Row
from videopasta_assets.reports import write_preference_set_report
from videopasta_assets.reports.figures import png
from videopasta_assets.reports.preference_set import retention_plot
from videopasta_assets.reports.tally import tally
from videopasta_assets.stages import preference_set as stage
from videopasta_assets.stages.project import Project
from videopasta_assets.taxonomy import MODES

_COLUMNS: Final = {
    "pair_id": [("verified_pairs", "pair_id")],
    "pair_version": [("verified_pairs", "data_version")],
    "video_id": [("verified_pairs", "video_id")],
    "adv_mode": [("verified_pairs", "adv_mode")],
    "preference_set": [("verified_pairs", "pair_id"), ("verified_pairs", "data_version")],
}


def build(declared: Project) -> dg.AssetsDefinition:
    """The asset for the project that the definitions were loaded with."""

    @dg.multi_asset(
        name=f"{declared.recipe}__preference_set",
        specs=[
            artifact_spec(
                declared,
                "preference_set",
                group=VERIFICATION,
                spec=stage.spec(declared),
                deps=["verified_pairs"],
                kinds={"python"},
            )
        ],
    )
    def preference_set(project: dg.ResourceParam[Project]) -> dg.MaterializeResult[Any]:
        with one_sentence():
            outcome = stage.run(project)
            rows = project.lake.rows(project.address("preference_set", stage.ALL))
            return result_of(project, "preference_set", stage.ALL, outcome, set_figures(project, rows))

    return preference_set


def set_figures(project: Project, rows: list[Row]) -> dict[str, Any]:
    """The set's name, its pairs by mode, the funnel that led to it, and its report."""
    counted = tally(project)
    by_mode = Counter(row["adv_mode"] for row in rows)
    stages = [{"stage": name, "rows": count} for name, count in counted.stages]
    plot = markdown_picture(png(retention_plot(counted)), "retention by mode")
    return {
        **({"preference set": rows[0]["preference_set"]} if rows else {}),
        **{f"pairs {mode}": by_mode[mode] for mode in map(str, MODES)},
        **({"slot retention": counted.pairs / counted.slots} if counted.slots else {}),
        **({"attempt acceptance": counted.accepted / counted.attempts} if counted.attempts else {}),
        "funnel": dg.MetadataValue.md(markdown_table(stages)),
        "retention": dg.MetadataValue.md(plot),
        **report_metadata(write_preference_set_report(project, counted)),
        **column_lineage(project, _COLUMNS),
    }
