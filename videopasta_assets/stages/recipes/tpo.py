"""TPO (Temporal Preference Optimization, ruili33/TPO): what is seen of a video decides which answer is preferred.

Localized: a question about a segment; chosen is answered from that segment's frames, rejected from the video without
them. Comprehensive: a question about the whole; chosen is answered from dense frames, rejected from sparse ones.
Training shows the dense frames of the whole video.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final, Literal

from videopasta_assets.engines import Reply, Request
from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.recipes import QUERY_SCHEMA, parse_queries, request_seed, split_queries
from videopasta_assets.recipes.seeds import rotation
from videopasta_assets.stages.aligned_responses import aligned_prompt, distinct_queries
from videopasta_assets.stages.contrast import CONTRAST
from videopasta_assets.stages.generation import EXTENT, PROMPT, Ask, answer, of_every_row, respond
from videopasta_assets.stages.materialize import Stage
from videopasta_assets.stages.project import Engines, Project, RoleName, decoding, good_rows
from videopasta_assets.stages.recipe import Recipe, RecipeStage
from videopasta_assets.stages.sampled_videos import clip_of
from videopasta_assets.taxonomy import MODES
from videopasta_assets.video.clip import Clip

NAME: Final = "tpo"
STAGE_VERSION = "1"
SEGMENTS: Final = 3
"""A segment is this part of the dense frames (our choice)."""

_OF_QUERY: Final = ("query_id", "video_id", "query_mode", "query_category")

View = Literal["segment", "without_segment", "dense", "sparse"]
"""Which frames an answer is written from."""


def is_localized(ordinal: int) -> bool:
    """Every other question is about a segment, the first one too."""
    return ordinal % 2 == 0


def view_of(project: Project, video: Row, ordinal: int, view: View) -> Clip:
    """The clip of one view; the segment of a question is decided by the video's hash and the question's place."""
    if view in ("dense", "sparse"):
        return clip_of(project, video, view)
    clip = clip_of(project, video, "dense")
    frames = len(clip.plan.indices)
    parts = min(SEGMENTS, frames)
    chosen = rotation(parts, "segment", video["video_id"], ordinal)
    inside = range(chosen * frames // parts, (chosen + 1) * frames // parts)
    kept = [number for number in range(frames) if (number in inside) == (view == "segment")] or [0]
    plan = replace(
        clip.plan,
        indices=tuple(clip.plan.indices[number] for number in kept),
        timestamps=tuple(clip.plan.timestamps[number] for number in kept),
    )
    return replace(clip, plan=plan)


def _spec(project: Project, role: RoleName, templates: Sequence[str], decoded: str) -> dict[str, str]:
    return {
        "stage": STAGE_VERSION,
        "model": project.model_id(role),
        "decoding": decoded,
        "seed": str(project.settings.seed),
        **project.frame_parts,
        **{f"{PROMPT}{name}": project.prompts(role).hash(name) for name in templates},
    }


def _queries_spec(project: Project) -> dict[str, str]:
    recipe = project.settings.recipe
    return {
        **_spec(
            project,
            "query_writer",
            [f"query/{mode}" for mode in MODES],
            stable_hash(project.role("query_writer").decoding),
        ),
        f"{EXTENT}queries per video": str(recipe.queries_per_video),
        f"{EXTENT}queries by mode": stable_hash(recipe.queries_by_mode),
    }


def _derive_queries(project: Project, shard: str) -> list[Derivation]:
    parts, role, recipe = _queries_spec(project), project.role("query_writer"), project.settings.recipe
    own = of_every_row(parts)
    schema = QUERY_SCHEMA if role.style == "standard" else None
    derivations = []
    for video in good_rows(project, "sampled_videos", shard):
        wanted = split_queries(recipe.queries_per_video, recipe.queries_by_mode, video["video_id"])
        for ordinal, (mode, category) in enumerate(wanted):
            clip = view_of(project, video, ordinal, "segment" if is_localized(ordinal) else "dense")
            key = stable_hash("query", video["video_id"], mode, category, ordinal)
            prompt = project.prompts("query_writer").render(
                f"query/{mode}", mode=mode, category=category, duration=clip.plan.duration, count=1
            )
            seed = request_seed(project.settings.seed, key)
            known = {
                "query_id": key,
                "video_id": video["video_id"],
                "query_mode": mode,
                "query_category": category,
                "ordinal": ordinal,
                "generator": parts["model"],
                "prompt_version": prompt.template_hash,
                "seed": seed,
            }
            request = Request(key, prompt, clip, decoding(role.decoding), seed, schema)
            provenance = stable_hash(video["data_version"], clip.key, own, prompt.template_hash)
            derivations.append(Derivation(key, provenance, Ask(request, known)))
    return derivations


def _ask(project: Project, engines: Engines, derivations: Sequence[Derivation]) -> Iterator[Row]:
    style = project.role("query_writer").style

    def columns(reply: Reply, known: Row) -> Row:
        queries = parse_queries(reply.text, style, wanted=1, category=known["query_category"])
        return {"query": queries[0]} if queries else {"error": f"no query in the reply: {reply.text[:200]!r}"}

    return answer(engines.engine("query_writer"), derivations, columns)


def _answers_spec(project: Project) -> dict[str, str]:
    return _spec(
        project,
        "responder",
        [f"aligned/{mode}" for mode in MODES],
        stable_hash(project.role("responder").decoding),
    )


def _derive_answers(project: Project, shard: str, *, chosen: bool) -> list[Derivation]:
    """Either side's answers: the prompt is the same, what is seen differs."""
    parts, how = _answers_spec(project), decoding(project.role("responder").decoding)
    own = of_every_row(parts)
    videos = {row["video_id"]: row for row in good_rows(project, "sampled_videos", shard)}
    derivations = []
    for query in distinct_queries(good_rows(project, "queries", shard)):
        if query["video_id"] not in videos:
            continue
        view = _view(query["ordinal"], chosen=chosen)
        clip = view_of(project, videos[query["video_id"]], query["ordinal"], view)
        prompt = aligned_prompt(project, query, clip.plan.duration)
        known = {
            **{name: query[name] for name in _OF_QUERY},
            "responder": parts["model"],
            "prompt_version": prompt.template_hash,
        }
        if chosen:
            key = stable_hash("aligned", query["query_id"])
            known |= {"response_id": key, "query": query["query"]}
        else:
            key = stable_hash("adversary", query["query_id"], 0, 1)
            frames = {"kind": view, "frames": list(clip.plan.indices)}
            known |= {"adversary_id": key, "slot": 0, "attempt": 1, "adv_mode": query["query_mode"]}
            known |= {"adv_strategy": view, "perturbation": json.dumps(frames)}
        seed = request_seed(project.settings.seed, key)
        provenance = stable_hash(query["data_version"], clip.key, own, prompt.template_hash)
        ask = Ask(Request(key, prompt, clip, how, seed), {**known, "seed": seed})
        derivations.append(Derivation(key, provenance, ask))
    return derivations


def _view(ordinal: int, *, chosen: bool) -> View:
    if is_localized(ordinal):
        return "segment" if chosen else "without_segment"
    return "dense" if chosen else "sparse"


def _answers(table: str, *, chosen: bool) -> RecipeStage:
    def derive(project: Project, shard: str) -> list[Derivation]:
        return _derive_answers(project, shard, chosen=chosen)

    stage = Stage(
        table,
        ("sampled_videos", "queries"),
        _answers_spec,
        derive,
        prompt=lambda row: f"{PROMPT}aligned/{row['query_mode']}",
    )
    return RecipeStage(stage, lambda _, engines, todo: respond(engines, todo))


_STAGES: Final = (
    RecipeStage(
        Stage(
            "queries",
            ("sampled_videos",),
            _queries_spec,
            _derive_queries,
            prompt=lambda row: f"{PROMPT}query/{row['query_mode']}",
        ),
        _ask,
    ),
    _answers("aligned_responses", chosen=True),
    _answers("adversaries", chosen=False),
    CONTRAST,
)


def recipe(project: Project) -> Recipe:  # noqa: ARG001 - every recipe is made from a project
    """The recipe."""
    return Recipe(NAME, _STAGES)
