"""Stage `oracle_difficulty`: does the base model prefer the chosen answer already?

TimeWarp's text / video / group scores need a second video that the rejected answer is true of. A VideoPASTA pair has
one video, so of the four judgements only the first is there: on this video, chosen over rejected. It is taken from
the log-probabilities, which also say by how much.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.stages.lora_checkpoint import training_pairs
from videopasta_assets.stages.materialize import Outcome, Progress, Stage, run_stage, silent
from videopasta_assets.stages.project import Project, good_rows
from videopasta_assets.taxonomy import MODES

STAGE_VERSION = "1"

_KNOWN: Final = ("pair_id", "video_id", "query_mode", "adv_mode", "adv_strategy")


def spec(project: Project) -> dict[str, str]:
    """Parts of the specification, by name."""
    prompts = project.prompts("responder")
    return {
        "stage": STAGE_VERSION,
        "model": project.model_id("responder"),
        "dense sampling": project.sampling("dense").spec_hash,
        "max side": str(project.settings.frames.max_side),
        **{f"prompt aligned/{mode}": prompts.hash(f"aligned/{mode}") for mode in MODES},
    }


def derive(project: Project, shard: str) -> list[Derivation]:
    """One row a verified pair."""
    responses = {row["query_id"]: row["response_id"] for row in good_rows(project, "aligned_responses", shard)}
    agreement = {
        row["response_id"]: row["agreeing"] / row["asked"]
        for row in good_rows(project, "aligned_checks", shard)
        if row["asked"]
    }
    parts = spec(project)
    derivations = []
    for pair in good_rows(project, "verified_pairs", shard):
        agreed = agreement.get(responses.get(pair["query_id"], ""))
        provenance = stable_hash(parts, pair["data_version"], agreed)
        derivations.append(Derivation(pair["pair_id"], provenance, ({**pair, "pair_shard": shard}, agreed)))
    return derivations


def compute(project: Project, derivations: Sequence[Derivation]) -> Iterator[Row]:
    """Measure each pair under the base model."""
    from videopasta_assets.training import TrainingConfig
    from videopasta_assets.training.margins import preference_margins

    payloads = {derivation.row_key: derivation.payload for derivation in derivations}
    config = TrainingConfig(device=project.role("responder").device, max_side=project.settings.frames.max_side)
    pairs = training_pairs(project, tuple(pair for pair, _ in payloads.values()))
    for margin in preference_margins(pairs, project.model_folder("responder"), config, project.reader):
        pair, agreed = payloads[margin.pair_id]
        yield {
            "row_key": margin.pair_id,
            **{name: pair[name] for name in _KNOWN},
            "chosen_logp": margin.chosen_logp,
            "rejected_logp": margin.rejected_logp,
            "margin": margin.chosen_logp - margin.rejected_logp,
            "chosen_tokens": margin.chosen_tokens,
            "rejected_tokens": margin.rejected_tokens,
            "prefers_chosen": margin.chosen_logp > margin.rejected_logp,
            "agreement": agreed,
            "model": project.model_id("responder"),
        }


STAGE: Final = Stage(
    "oracle_difficulty", ("sampled_videos", "aligned_responses", "aligned_checks", "verified_pairs"), spec, derive
)


def run(project: Project, shard: str, *, retry_failed: bool = False, progress: Progress = silent) -> Outcome:
    """Bring the shard's `oracle_difficulty` up to date."""
    return run_stage(
        project, STAGE, shard, lambda todo: compute(project, todo), retry_failed=retry_failed, progress=progress
    )
