"""Stage `queries`: the query writer asks about each video, in every mode and category (sections 3.1-3.3)."""

from collections.abc import Iterator, Sequence
from typing import Final

from videopasta_assets.engines import Reply, Request
from videopasta_assets.hashing import canonical, stable_hash
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.recipes import QUERY_SCHEMA, parse_queries, request_seed, split_queries
from videopasta_assets.stages.generation import EXTENT, PROMPT, Ask, answer, of_every_row
from videopasta_assets.stages.materialize import Outcome, Progress, Stage, run_stage, silent
from videopasta_assets.stages.project import Engines, Project, decoding, good_rows
from videopasta_assets.stages.repair import REPAIR, Form
from videopasta_assets.stages.sampled_videos import clip_of
from videopasta_assets.taxonomy import MODES

STAGE_VERSION = "1"


def spec(project: Project) -> dict[str, str]:
    """Parts of the specification, by name."""
    prompts, recipe = project.prompts("query_writer"), project.settings.recipe
    return {
        "stage": STAGE_VERSION,
        "model": project.model_id("query_writer"),
        "decoding": stable_hash(project.role("query_writer").decoding),
        "seed": str(project.settings.seed),
        **({REPAIR: prompts.hash(REPAIR)} if project.role("query_writer").style == "standard" else {}),
        **project.frame_parts,
        f"{EXTENT}queries per video": str(recipe.queries_per_video),
        f"{EXTENT}queries by mode": str(canonical(recipe.queries_by_mode)),
        **{f"{PROMPT}query/{mode}": prompts.hash(f"query/{mode}") for mode in MODES},
    }


def derive(project: Project, shard: str) -> list[Derivation]:
    """`queries_per_video` rows a readable video."""
    parts = spec(project)
    return [
        derivation
        for video in good_rows(project, "sampled_videos", shard)
        for derivation in _of_video(project, video, parts)
    ]


def _of_video(project: Project, video: Row, parts: dict[str, str]) -> Iterator[Derivation]:
    recipe, role = project.settings.recipe, project.role("query_writer")
    clip = clip_of(project, video, "dense")
    wanted = split_queries(recipe.queries_per_video, recipe.queries_by_mode, video["video_id"])
    # In the compact style the whole reply is one question: no engine may press it into JSON.
    schema = QUERY_SCHEMA if role.style == "standard" else None
    for ordinal, (mode, category) in enumerate(wanted):
        query_id = stable_hash("query", video["video_id"], mode, category, ordinal)
        prompt = project.prompts("query_writer").render(
            f"query/{mode}", mode=mode, category=category, duration=clip.plan.duration, count=1
        )
        seed = request_seed(project.settings.seed, query_id)
        own = of_every_row(parts)
        yield Derivation(
            query_id,
            stable_hash(video["data_version"], own, prompt.template_hash),
            Ask(
                Request(query_id, prompt, clip, decoding(role.decoding), seed, schema),
                {
                    "query_id": query_id,
                    "video_id": video["video_id"],
                    "query_mode": mode,
                    "query_category": category,
                    "ordinal": ordinal,
                    "generator": parts["model"],
                    "prompt_version": prompt.template_hash,
                    "seed": seed,
                },
            ),
        )


def compute(project: Project, engines: Engines, derivations: Sequence[Derivation]) -> Iterator[Row]:
    """Ask the query writer."""
    style = project.role("query_writer").style

    def columns(reply: Reply, known: Row) -> Row:
        queries = parse_queries(reply.text, style, wanted=1, category=known["query_category"])
        if not queries:
            return {"error": f"no query in the reply: {reply.text[:200]!r}"}
        return {"query": queries[0]}

    def reads(text: str, known: Row) -> bool:
        return bool(parse_queries(text, style, wanted=1, category=known["query_category"]))

    form = Form(reads, project.prompts("query_writer"))
    return answer(engines.engine("query_writer"), derivations, columns, form)


def prompt_part(row: Row) -> str:
    """Which template a row was asked with, as a part of the specification."""
    return f"{PROMPT}query/{row['query_mode']}"


STAGE: Final = Stage("queries", ("sampled_videos",), spec, derive, prompt=prompt_part)


def run(
    project: Project, shard: str, engines: Engines, *, retry_failed: bool = False, progress: Progress = silent
) -> Outcome:
    """Bring the shard's `queries` up to date."""
    return run_stage(
        project,
        STAGE,
        shard,
        lambda todo: compute(project, engines, todo),
        retry_failed=retry_failed,
        progress=progress,
    )
