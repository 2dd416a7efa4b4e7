"""Asset `preference_set`: the fan-in. All shards' pairs as one content-hashed manifest that training reads."""

from collections import Counter
from typing import Any, Final

import dagster as dg

from resources.artifact import VERIFICATION, artifact_spec
from videopasta_assets.assets.materialization import one_sentence, result_of
from videopasta_assets.assets.preview import column_lineage, markdown_picture, markdown_table, report_metadata
from videopasta_assets.hashing import combined_hash
from videopasta_assets.lake import Row
from videopasta_assets.reports import write_preference_set_report
from videopasta_assets.reports.figures import png
from videopasta_assets.reports.preference_set import retention_plot
from videopasta_assets.reports.tally import tally
from videopasta_assets.stages import preference_set as stage
from videopasta_assets.stages.iteration import paired_rounds
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
            rounds = paired_rounds(project)
            outcomes = [stage.run(turn) for turn in rounds]
            last = rounds[-1]
            figures = set_figures(last, last.lake.rows(last.address("preference_set", stage.ALL)))
            version = combined_hash(outcome.manifest.data_version for outcome in outcomes)
            if len(rounds) > 1:
                counts = [
                    {"iteration": turn.iteration, "pairs": outcome.manifest.rows}
                    for turn, outcome in zip(rounds, outcomes, strict=True)
                ]
                figures["iterations"] = dg.MetadataValue.md(markdown_table(counts))
            made = result_of(last, "preference_set", stage.ALL, outcomes[-1], figures)
            return made if len(rounds) == 1 else made._replace(data_version=dg.DataVersion(version))

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
