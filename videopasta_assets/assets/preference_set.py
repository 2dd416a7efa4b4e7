"""Asset `preference_set`: the fan-in. All shards' pairs as one content-hashed manifest that training reads."""

from collections import Counter
from typing import Any, Final

import dagster as dg

from resources.artifact import VERIFICATION, artifact_spec, asset_key
from videopasta_assets.assets.materialization import one_sentence, result_of
from videopasta_assets.assets.pair_integrity import broken_pairs
from videopasta_assets.assets.preview import column_lineage, markdown_picture, markdown_table, report_metadata
from videopasta_assets.assets.verified_pairs import defects_result, leaks
from videopasta_assets.lake import Row
from videopasta_assets.lake.shards import list_shards
from videopasta_assets.reports import write_preference_set_report
from videopasta_assets.reports.figures import png
from videopasta_assets.reports.preference_set import retention_plot
from videopasta_assets.reports.tally import tally
from videopasta_assets.stages import preference_set as stage
from videopasta_assets.stages.project import Project, good_rows
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


def build_checks(declared: Project) -> list[dg.AssetChecksDefinition]:
    """Checks on the set; all block training."""
    members = asset_key(declared, "preference_set")

    @dg.asset_check(asset=members, blocking=True, description="There is something to train on.")
    def is_not_empty(project: dg.ResourceParam[Project]) -> dg.AssetCheckResult:
        rows = project.lake.rows(project.address("preference_set", stage.ALL))
        return dg.AssetCheckResult(passed=bool(rows), description=f"{len(rows)} pairs", metadata={"pairs": len(rows)})

    @dg.asset_check(asset=members, blocking=True, description="The video of every pair is still there.")
    def videos_are_present(project: dg.ResourceParam[Project]) -> dg.AssetCheckResult:
        rows = project.lake.rows(project.address("preference_set", stage.ALL))
        return defects_result(lost_videos(project), len(rows))

    @dg.asset_check(asset=members, blocking=True, description="Every member exists and is fit to train on.")
    def members_are_sound(project: dg.ResourceParam[Project]) -> dg.AssetCheckResult:
        rows = project.lake.rows(project.address("preference_set", stage.ALL))
        return defects_result(unsound_members(project), len(rows))

    return [is_not_empty, videos_are_present, members_are_sound]


def lost_videos(project: Project) -> list[str]:
    """Members whose video is gone, one sentence each."""
    present = {
        row["video_id"]
        for shard in list_shards(project.lake)
        for row in good_rows(project, "videos", shard)
        if row["present"]
    }
    rows = project.lake.rows(project.address("preference_set", stage.ALL))
    return [f"pair {row['pair_id']} has lost its video" for row in rows if row["video_id"] not in present]


def unsound_members(project: Project) -> list[str]:
    """Members that are no longer there, or that must not train a model, one sentence each."""
    current = stage.current(project)
    pairs = current.members if current else ()
    expected = len(project.lake.rows(project.address("preference_set", stage.ALL)))
    gone = expected - len(pairs)
    return [
        *([f"{gone} members have changed or gone since the set was made"] if gone else []),
        *broken_pairs(pairs),
        *leaks(project, pairs),
    ]
