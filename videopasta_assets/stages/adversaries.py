"""Stage `adversaries` + `verdicts`: adversarial answers from sparse frames, judged, and tried again when rejected.

Two tables, one loop (section 3.4: discard and regenerate). Round a generates attempt a of every open slot and
judges it; a slot closes when an attempt is accepted, when its aligned answer is found unsound (another adversary
cannot mend that), or after `max_attempts`. Every attempt keeps its verdict and reason.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from videopasta_assets.engines import Request
from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import Derivation, Manifest, Row
from videopasta_assets.recipes import Slot, adversary_slots, request_seed
from videopasta_assets.stages import aligned_checks, verdicts
from videopasta_assets.stages.attempt_history import histories
from videopasta_assets.stages.generation import EXTENT, PROMPT, Ask, of_every_row, respond
from videopasta_assets.stages.materialize import Outcome, Progress, ShardWriter, is_current, silent
from videopasta_assets.stages.project import Engines, Project, decoding, good_rows
from videopasta_assets.stages.sampled_videos import clip_of
from videopasta_assets.stages.spec_text import remember_spec_texts
from videopasta_assets.taxonomy import FailureMode, VerdictStatus
from videopasta_assets.video.clip import Clip

STAGE_VERSION = "1"

INPUTS: Final = ("sampled_videos", "aligned_responses", "aligned_checks")
"""Tables that both tables' rows are derived from."""

_CLOSING = frozenset({VerdictStatus.ACCEPTED, VerdictStatus.REJECTED_PREFERRED})


@dataclass(frozen=True)
class OpenSlot:
    """A slot that still wants an accepted adversary."""

    aligned: Row
    clip: Clip
    slot: Slot


def spec(project: Project) -> dict[str, str]:
    """Parts of the specification, by name."""
    prompts, recipe = project.prompts("responder"), project.settings.recipe
    return {
        "stage": STAGE_VERSION,
        "model": project.model_id("responder"),
        "decoding": stable_hash(project.role("responder").decoding, recipe.adversary_temperature),
        "seed": str(project.settings.seed),
        **project.frame_parts,
        f"{EXTENT}adversaries per query": str(recipe.adversaries_per_query),
        f"{EXTENT}adversary policy": recipe.adversary_policy,
        f"{EXTENT}attempts": str(recipe.max_attempts),
        f"{EXTENT}of checked responses only": str(aligned_checks.wanted(project)),
        **({f"{EXTENT}strategies": ", ".join(recipe.strategies)} if recipe.strategies else {}),
        **{
            f"{PROMPT}adversary/{mode}/{strategy}": prompts.hash(f"adversary/{mode}/{strategy}")
            for mode, strategies in recipe.strategies_by_mode.items()
            for strategy in strategies
        },
    }


def open_slots(project: Project, shard: str) -> list[OpenSlot]:
    """All slots of the shard's aligned responses that passed their check, before any attempt."""
    recipe = project.settings.recipe
    videos = {row["video_id"]: row for row in good_rows(project, "sampled_videos", shard)}
    passed = aligned_checks.passed_responses(project, shard)
    return [
        OpenSlot(aligned, clip_of(project, videos[aligned["video_id"]], "sparse"), slot)
        for aligned in good_rows(project, "aligned_responses", shard)
        if aligned["video_id"] in videos and (passed is None or aligned["response_id"] in passed)
        for slot in adversary_slots(
            aligned["query_id"],
            FailureMode(aligned["query_mode"]),
            recipe.adversaries_per_query,
            recipe.adversary_policy,
            recipe.strategies_by_mode,
        )
    ]


def derive(project: Project, slots: Sequence[OpenSlot], attempt: int) -> list[Derivation]:
    """Attempt number `attempt` (from 1) of each of `slots`."""
    parts = spec(project)
    own = of_every_row(parts)
    drawing = decoding(project.role("responder").decoding, temperature=project.settings.recipe.adversary_temperature)
    derivations = []
    for open_slot in slots:
        aligned, slot = open_slot.aligned, open_slot.slot
        strategy = slot.strategy(attempt - 1)
        adversary_id = stable_hash("adversary", aligned["query_id"], slot.slot, attempt)
        prompt = project.prompts("responder").render(
            f"adversary/{slot.mode}/{strategy}",
            mode=slot.mode.value,
            strategy=strategy,
            query=aligned["query"],
            duration=open_slot.clip.plan.duration,
        )
        seed = request_seed(project.settings.seed, adversary_id)
        known = {
            "adversary_id": adversary_id,
            "query_id": aligned["query_id"],
            "video_id": aligned["video_id"],
            "query_mode": aligned["query_mode"],
            "query_category": aligned["query_category"],
            "slot": slot.slot,
            "attempt": attempt,
            "adv_mode": slot.mode.value,
            "adv_strategy": strategy,
            "responder": parts["model"],
            "prompt_version": prompt.template_hash,
            "seed": seed,
        }
        # The aligned answer is no input: an adversary answers the question, it does not rewrite an answer.
        provenance = stable_hash(aligned["query"], open_slot.clip.key, own, prompt.template_hash)
        request = Request(adversary_id, prompt, open_slot.clip, drawing, seed)
        derivations.append(Derivation(adversary_id, provenance, Ask(request, known)))
    return derivations


def still_open(slots: Sequence[OpenSlot], adversaries: Sequence[Row], judged: Sequence[Row]) -> list[OpenSlot]:
    """Slots whose attempt neither closed them nor failed. A failed row waits for `--retry-failed`."""
    closed = {
        (row["query_id"], row["slot"])
        for row in judged
        if row["error"] is not None or VerdictStatus(row["verdict"]) in _CLOSING
    } | {(row["query_id"], row["slot"]) for row in adversaries if row["error"] is not None}
    return [slot for slot in slots if (slot.aligned["query_id"], slot.slot.slot) not in closed]


def run(
    project: Project, shard: str, engines: Engines, *, retry_failed: bool = False, progress: Progress = silent
) -> dict[str, Outcome]:
    """Bring the shard's `adversaries` and `verdicts` up to date; outcomes by table."""
    lake = project.lake
    remember_spec_texts(project)
    places = {table: project.address(table, shard) for table in ("adversaries", "verdicts")}
    with lake.lock(places["adversaries"]):
        versions = {table: project.data_version(table, shard) for table in INPUTS}
        held = {table: lake.manifest(address) for table, address in places.items()}
        if are_current(project, shard, held, versions, retry_failed=retry_failed):
            return {table: Outcome(kept, kept.rows, 0, 0, kept.errors) for table, kept in held.items() if kept}
        generated = ShardWriter(lake, places["adversaries"], retry_failed=retry_failed, progress=progress)
        judged = ShardWriter(lake, places["verdicts"], retry_failed=retry_failed, progress=progress)
        slots = open_slots(project, shard)
        made: list[Row] = []
        found: list[Row] = []
        for attempt in range(1, project.settings.recipe.max_attempts + 1):
            if not slots:
                break
            adversaries = generated.round(derive(project, slots, attempt), lambda todo: respond(engines, todo))
            verdict_rows = judged.round(
                verdicts.derive(project, slots_by_key(slots), adversaries),
                lambda todo: verdicts.compute(project, engines, todo),
            )
            slots = still_open(slots, adversaries, verdict_rows)
            made += adversaries
            found += verdict_rows
        # Adversaries first: a verdict never refers to an attempt that the lake does not hold.
        attempts = generated.commit(spec(project), versions, histories(made, found))
        return {
            "adversaries": attempts,
            "verdicts": judged.commit(
                verdicts.spec(project),
                verdict_inputs(versions, attempts.manifest.data_version),
            ),
        }


def are_current(
    project: Project,
    shard: str,
    held: Mapping[str, Manifest | None],
    versions: Mapping[str, str],
    *,
    retry_failed: bool = False,
) -> bool:
    """The manifests of both tables prove that no row is missing, stale or no longer derived."""
    made = held["adversaries"]
    return all(
        is_current(project.lake, project.address(table, shard), held[table], parts, inputs, retry_failed=retry_failed)
        for table, parts, inputs in (
            ("adversaries", spec(project), versions),
            ("verdicts", verdicts.spec(project), verdict_inputs(versions, made.data_version if made else "")),
        )
    )


def verdict_inputs(versions: Mapping[str, str], adversaries: str) -> dict[str, str]:
    """Versions of what verdicts are derived from."""
    return {"aligned_responses": versions["aligned_responses"], "adversaries": adversaries}


def slots_by_key(slots: Sequence[OpenSlot]) -> dict[str, Row]:
    """The aligned response of each query among `slots`."""
    return {slot.aligned["query_id"]: slot.aligned for slot in slots}
