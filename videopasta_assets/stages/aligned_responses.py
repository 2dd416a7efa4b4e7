"""Stage `aligned_responses`: the responder answers each question on the dense frames (r+, sections 3.1-3.3)."""

from collections.abc import Iterator
from typing import Final

from videopasta_assets.engines import Request
from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.prompts import Prompt
from videopasta_assets.recipes import request_seed
from videopasta_assets.stages.generation import PROMPT, Ask, of_every_row, respond
from videopasta_assets.stages.materialize import Outcome, Progress, Stage, run_stage, silent
from videopasta_assets.stages.project import Engines, Project, decoding, good_rows
from videopasta_assets.stages.sampled_videos import clip_of
from videopasta_assets.taxonomy import MODES

STAGE_VERSION = "1"


def spec(project: Project) -> dict[str, str]:
    """Parts of the specification, by name."""
    prompts = project.prompts("responder")
    return {
        "stage": STAGE_VERSION,
        "model": project.model_id("responder"),
        "decoding": stable_hash(project.role("responder").decoding),
        "seed": str(project.settings.seed),
        **project.frame_parts,
        **{f"{PROMPT}aligned/{mode}": prompts.hash(f"aligned/{mode}") for mode in MODES},
    }


def derive(project: Project, shard: str) -> list[Derivation]:
    """One row a distinct question: of equal questions about a video only the first is answered."""
    parts = spec(project)
    own = of_every_row(parts)
    videos = {row["video_id"]: row for row in good_rows(project, "sampled_videos", shard)}
    role = project.role("responder")
    derivations = []
    for query in distinct_queries(good_rows(project, "queries", shard)):
        video = videos.get(query["video_id"])
        if video is None:
            continue
        clip = clip_of(project, video, "dense")
        prompt = aligned_prompt(project, query, clip.plan.duration)
        response_id = stable_hash("aligned", query["query_id"])
        seed = request_seed(project.settings.seed, response_id)
        known = {
            "response_id": response_id,
            **{name: query[name] for name in ("query_id", "video_id", "query_mode", "query_category", "query")},
            "responder": parts["model"],
            "prompt_version": prompt.template_hash,
            "seed": seed,
        }
        provenance = stable_hash(query["data_version"], clip.key, own, prompt.template_hash)
        request = Request(response_id, prompt, clip, decoding(role.decoding), seed)
        derivations.append(Derivation(response_id, provenance, Ask(request, known)))
    return derivations


def aligned_prompt(project: Project, query: Row, duration: float) -> Prompt:
    """The prompt that is answered here and that training shows the policy: no adversarial word in it."""
    return project.prompts("responder").render(
        f"aligned/{query['query_mode']}",
        mode=query["query_mode"],
        category=query["query_category"],
        query=query["query"],
        duration=duration,
    )


def distinct_queries(queries: Iterator[Row]) -> list[Row]:
    """Queries in order of video and ordinal, without those that ask again what was asked about the video."""
    ordered = sorted(queries, key=lambda row: (row["video_id"], row["ordinal"]))
    first: dict[tuple[str, str], Row] = {}
    for row in ordered:
        first.setdefault((row["video_id"], row["query"].casefold()), row)
    return list(first.values())


def prompt_part(row: Row) -> str:
    """Which template a row was asked with, as a part of the specification."""
    return f"{PROMPT}aligned/{row['query_mode']}"


STAGE: Final = Stage("aligned_responses", ("sampled_videos", "queries"), spec, derive, prompt=prompt_part)


def run(
    project: Project, shard: str, engines: Engines, *, retry_failed: bool = False, progress: Progress = silent
) -> Outcome:
    """Bring the shard's `aligned_responses` up to date."""
    return run_stage(
        project, STAGE, shard, lambda todo: respond(engines, todo), retry_failed=retry_failed, progress=progress
    )
