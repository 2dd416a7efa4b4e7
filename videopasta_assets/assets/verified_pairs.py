"""Asset `verified_pairs`: preference pairs that passed verification."""

from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import dagster as dg

from resources.artifact import VERIFICATION, asset_key
from resources.partitions import SHARDS
from videopasta_assets.assets.preview import column_lineage, markdown_picture, markdown_table
from videopasta_assets.assets.shard_asset import shard_asset
from videopasta_assets.errors import VideoPastaError
from videopasta_assets.lake import Row
from videopasta_assets.recipes.retention import ModeTally
from videopasta_assets.reports.tally import potential_slots
from videopasta_assets.stages import human_verdicts
from videopasta_assets.stages import verified_pairs as stage
from videopasta_assets.stages.human_verdicts import Decision
from videopasta_assets.stages.pair_integrity import broken_pairs, leaked_instructions
from videopasta_assets.stages.project import Project, good_rows
from videopasta_assets.stages.recipes import recipe_of
from videopasta_assets.stages.sampled_videos import clip_of
from videopasta_assets.taxonomy import MODES, VerdictStatus
from videopasta_assets.video.clip import load_frames
from videopasta_assets.video.film_strip import film_strip

_EXAMPLES: Final = 2
_STRIP_SIDE: Final = 160
_WHOLE: Final = 1000
"""Characters of an example's text: what two answers differ in may come late."""
_COLUMNS: Final = {
    "pair_id": [("adversaries", "adversary_id")],
    "video_id": [("sampled_videos", "video_id")],
    **{name: [("queries", name)] for name in ("query_id", "query_mode", "query_category", "query", "generator")},
    **{name: [("adversaries", name)] for name in ("adv_mode", "adv_strategy", "slot", "attempt", "responder", "seed")},
    "chosen": [("aligned_responses", "response")],
    "rejected": [("adversaries", "response")],
    **{name: [("sampled_videos", name)] for name in ("dense_frames", "dense_timestamps", "sparse_frames")},
    "verifier": [("verdicts", "verifier")],
    "verdict": [("verdicts", "verdict"), ("human_verdicts", "decision")],
    "reason": [("verdicts", "reason"), ("human_verdicts", "comment")],
    "decided_by": [("human_verdicts", "decision")],
    "prompt_version": [("aligned_responses", "prompt_version")],
}


def build(declared: Project) -> dg.AssetsDefinition:
    """The asset for the project that the definitions were loaded with."""

    return shard_asset(
        declared,
        "verified_pairs",
        stage.run,
        group=VERIFICATION,
        spec=stage.spec(declared),
        deps=["sampled_videos", "queries", "aligned_responses", "adversaries", "verdicts", "human_verdicts"],
        figures=pair_figures,
    )


def pair_figures(project: Project, shard: str) -> dict[str, Any]:
    """Retention, why attempts were rejected, what people said, examples with pictures, and where columns come from."""
    return {
        **retention(project, shard),
        **rejections(project, shard),
        **opinions(project, shard),
        **examples(project, shard),
        **column_lineage(project, _COLUMNS),
    }


def rejections(project: Project, shard: str) -> dict[str, Any]:
    """The shard's verdicts by mode, with one of the verifier's reasons for each."""
    counts: dict[tuple[str, str], list[str]] = {}
    for row in good_rows(project, "verdicts", shard):
        counts.setdefault((row["verdict"], row["adv_mode"]), []).append(row["reason"] or "")
    rows = [
        {"verdict": verdict, "mode": mode, "attempts": len(reasons), "for example": min(reasons)}
        for (verdict, mode), reasons in sorted(counts.items())
    ]
    return {"verdicts": dg.MetadataValue.md(markdown_table(rows))}


def opinions(project: Project, shard: str) -> dict[str, Any]:
    """How many attempts people decided on, and how often they agree with the verifier; nothing where nobody did."""
    decided = human_verdicts.decisions(good_rows(project, "human_verdicts", shard)).values()
    both = [row for row in decided if row["verdict"] is not None]
    if not both:
        return {}
    same = sum((row["decision"] == Decision.ACCEPTED) == (row["verdict"] == VerdictStatus.ACCEPTED) for row in both)
    return {"decided by people": len(both), "agreement of people and verifier": same / len(both)}


def examples(project: Project, shard: str) -> dict[str, Any]:
    """A few pairs with the frames that the chosen answer was written from."""
    videos = {row["video_id"]: row for row in good_rows(project, "sampled_videos", shard)}
    shown = []
    for pair, _ in zip(good_rows(project, "verified_pairs", shard), range(_EXAMPLES), strict=False):
        try:
            frames = load_frames(clip_of(project, videos[pair["video_id"]], "dense"), project.reader, _STRIP_SIDE)
        except VideoPastaError:  # the file went away since: a preview is no reason to fail
            continue
        strip = film_strip(frames, pair["dense_timestamps"])
        texts = {name: pair[name] for name in ("adv_mode", "adv_strategy", "query", "chosen", "rejected", "reason")}
        rows = [{"of the pair": name, "text": text} for name, text in texts.items()]
        shown.append(f"{markdown_picture(strip, pair['query'])}\n\n{markdown_table(rows, _WHOLE)}")
    return {"pairs with frames": dg.MetadataValue.md("\n\n".join(shown))} if shown else {}


def retention(project: Project, shard: str) -> dict[str, Any]:
    """Potential slots, attempts and pairs of the shard by mode: as a table, and as numbers that Dagster plots."""
    questions = [(row["query_id"], row["query_mode"]) for row in project.lake.rows(project.address("queries", shard))]
    slots = potential_slots(project, questions)
    attempts = Counter(row["adv_mode"] for row in project.lake.rows(project.address("adversaries", shard)))
    accepted = Counter(
        row["adv_mode"] for row in good_rows(project, "verdicts", shard) if row["verdict"] == VerdictStatus.ACCEPTED
    )
    pairs = Counter(row["adv_mode"] for row in good_rows(project, "verified_pairs", shard))
    modes = [
        ModeTally(mode.value, slots[mode], attempts[mode.value], accepted[mode.value], pairs[mode.value])
        for mode in MODES
    ]
    rows = [
        {
            "mode": mode.mode,
            "slots": mode.slots,
            "attempts": mode.attempts,
            "accepted": mode.accepted,
            "pairs": mode.pairs,
            "slot retention": mode.retention,
            "attempt acceptance": mode.acceptance,
        }
        for mode in modes
    ]
    shares = {f"retention {mode.mode}": mode.retention for mode in modes if mode.retention is not None}
    return {"retention by mode": dg.MetadataValue.md(markdown_table(rows)), **shares}


def build_checks(declared: Project) -> list[dg.AssetChecksDefinition]:
    """Checks on a shard's pairs; both block what trains on them."""
    pairs = asset_key(declared, "verified_pairs")

    @dg.asset_check(
        asset=pairs,
        partitions_def=SHARDS,
        blocking=True,
        description="Pairs are unique and complete, and never reject what they choose.",
    )
    def pair_integrity(
        context: dg.AssetCheckExecutionContext, project: dg.ResourceParam[Project]
    ) -> dg.AssetCheckResult:
        rows = list(good_rows(project, "verified_pairs", context.partition_key))
        return defects_result(broken_pairs(rows), len(rows))

    @dg.asset_check(
        asset=pairs,
        partitions_def=SHARDS,
        blocking=True,
        description="No adversarial instruction reaches a training row.",
    )
    def no_adversarial_instruction(
        context: dg.AssetCheckExecutionContext, project: dg.ResourceParam[Project]
    ) -> dg.AssetCheckResult:
        rows = list(good_rows(project, "verified_pairs", context.partition_key))
        return defects_result(leaks(project, rows), len(rows))

    return [pair_integrity, no_adversarial_instruction]


def leaks(project: Project, pairs: Sequence[Row]) -> list[str]:
    """Pairs with an adversarial instruction of the project's recipe in a text that training reads."""
    return leaked_instructions(pairs, project.prompts("responder"), recipe_of(project).instruction)


def defects_result(defects: list[str], pairs: int) -> dg.AssetCheckResult:
    """Passed when there is no defect; the description names the first few."""
    return dg.AssetCheckResult(
        passed=not defects,
        description="; ".join(defects[:3]) or f"{pairs} pairs are sound",
        metadata={"pairs": pairs, "defects": len(defects)},
    )
