"""TimeWarp-Implicit (arXiv 2510.03955, section 3.2): both answers are the responder's own.

Chosen is its answer on clean frames; rejected is its answer to a hallucination-inducing prompt, or to the question on
corrupted frames. The prompt that training shows is the question that was asked.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from videopasta_assets.engines import Decoding, Request
from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.recipes import request_seed
from videopasta_assets.recipes.perturbation import PROMPTS, Perturbation, draw_perturbation
from videopasta_assets.stages import queries
from videopasta_assets.stages.aligned_responses import aligned_prompt, distinct_queries
from videopasta_assets.stages.contrast import CONTRAST
from videopasta_assets.stages.generation import EXTENT, PROMPT, Ask, of_every_row, respond
from videopasta_assets.stages.materialize import Stage
from videopasta_assets.stages.project import Engines, Project, decoding, good_rows
from videopasta_assets.stages.recipe import Recipe, RecipeStage
from videopasta_assets.stages.recipes.videopasta import ALIGNED, QUERIES
from videopasta_assets.stages.sampled_videos import clip_of
from videopasta_assets.taxonomy import FailureMode
from videopasta_assets.video.corruption import Corruption

NAME: Final = "timewarp_implicit"
STAGE_VERSION = "1"

DESCRIPTIONS: Final = (
    "Tell what happens in this video, event by event, in the order in which it happens.",
    "Sum up what moves and changes over the course of this video.",
    "How do the actions in this video unfold from beginning to end?",
    "What are the main events of this video, and how do those who take part in them act on each other?",
    "How does the composition of the picture change as this video goes on?",
    "How does the atmosphere of this video change over time?",
    "Which scenes follow one another in this video, and in which order?",
    "What stands in the centre of attention in this video, and how does that shift as time passes?",
)
"""Requests to describe, for `questions: descriptions`: one is drawn a video, as in the paper's code."""


def spec(project: Project) -> dict[str, str]:
    """Parts of the specification of the rejected answers, by name."""
    prompts, implicit = project.prompts("responder"), project.settings.recipe.timewarp_implicit
    return {
        "stage": STAGE_VERSION,
        "model": project.model_id("responder"),
        "decoding": stable_hash(_decoding(project)),
        "seed": str(project.settings.seed),
        "perturbation": stable_hash(
            implicit.prompt_share, implicit.shorter_side, implicit.brightness, implicit.hue, PROMPTS
        ),
        **project.frame_parts,
        **{f"{PROMPT}{_template(name)}": prompts.hash(_template(name)) for name in PROMPTS},
        f"{PROMPT}{_CLEAN}": prompts.hash(_CLEAN),
    }


_CLEAN: Final = f"aligned/{FailureMode.TEMPORAL}"


def _template(name: str) -> str:
    return f"{NAME}/rejected/{name}"


def _decoding(project: Project) -> Decoding:
    return decoding(project.role("responder").decoding, temperature=project.settings.recipe.adversary_temperature)


def derive(project: Project, shard: str) -> list[Derivation]:
    """One rejected answer a question."""
    parts = spec(project)
    own = of_every_row(parts)
    videos = {row["video_id"]: row for row in good_rows(project, "sampled_videos", shard)}
    return [
        _rejected(project, query, videos[query["video_id"]], parts["model"], own)
        for query in distinct_queries(good_rows(project, "queries", shard))
        if query["video_id"] in videos
    ]


def _rejected(project: Project, query: Row, video: Row, model: str, own: dict[str, str]) -> Derivation:
    implicit = project.settings.recipe.timewarp_implicit
    adversary_id = stable_hash("adversary", query["query_id"], 0, 1)
    seed = request_seed(project.settings.seed, adversary_id)
    drawn = draw_perturbation(seed, implicit.prompt_share, implicit.brightness, implicit.hue)
    clip = replace(clip_of(project, video, "dense"), corruption=_corruption(drawn, implicit.shorter_side))
    if drawn.prompt is None:
        prompt = aligned_prompt(project, query, clip.plan.duration)
    else:
        prompt = project.prompts("responder").render(
            _template(drawn.prompt),
            mode=query["query_mode"],
            strategy=drawn.prompt,
            query=query["query"],
            duration=clip.plan.duration,
        )
    known = {
        "adversary_id": adversary_id,
        **{name: query[name] for name in ("query_id", "video_id", "query_mode", "query_category")},
        "slot": 0,
        "attempt": 1,
        "adv_mode": query["query_mode"],
        "adv_strategy": drawn.strategy,
        "perturbation": json.dumps(
            {"kind": drawn.kind, "template": prompt.template, "frames": clip.corruption and clip.corruption.identity}
        ),
        "responder": model,
        "prompt_version": prompt.template_hash,
        "seed": seed,
    }
    request = Request(adversary_id, prompt, clip, _decoding(project), seed)
    provenance = stable_hash(query["query"], clip.key, own, prompt.template_hash)
    return Derivation(adversary_id, provenance, Ask(request, known))


def _corruption(drawn: Perturbation, shorter_side: int) -> Corruption | None:
    if drawn.kind == "prompt":
        return None
    return Corruption.resize(shorter_side) if drawn.kind == "resize" else Corruption.colour(drawn.brightness, drawn.hue)


def template_of(row: Row) -> str | None:
    """The hallucination-inducing template of a rejected answer; None where its frames were corrupted."""
    return _template(row["adv_strategy"]) if row["adv_strategy"] in PROMPTS else None


def _prompt_part(row: Row) -> str:
    return f"{PROMPT}{template_of(row) or _CLEAN}"


REJECTED: Final = RecipeStage(
    Stage("adversaries", ("sampled_videos", "queries"), spec, derive, prompt=_prompt_part),
    lambda _, engines, todo: respond(engines, todo),
)


def _describe_spec(project: Project) -> dict[str, str]:
    wanted = project.settings.recipe.queries_per_video
    return {
        "stage": queries.STAGE_VERSION,
        "descriptions": stable_hash(DESCRIPTIONS),
        "seed": str(project.settings.seed),
        f"{EXTENT}queries per video": str(wanted),
    }


def _describe(project: Project, shard: str) -> list[Derivation]:
    """Different requests a video, as many as there are to be questions, in a seeded order."""
    own = of_every_row(_describe_spec(project))
    derivations = []
    for video in good_rows(project, "sampled_videos", shard):
        seed = request_seed(project.settings.seed, "descriptions", video["video_id"])
        drawn = random.Random(seed).sample(DESCRIPTIONS, k=len(DESCRIPTIONS))
        for ordinal, text in enumerate(drawn[: project.settings.recipe.queries_per_video]):
            query_id = stable_hash("query", video["video_id"], FailureMode.TEMPORAL, "description", ordinal)
            row = {
                "query_id": query_id,
                "video_id": video["video_id"],
                "query_mode": FailureMode.TEMPORAL.value,
                "query_category": "description",
                "ordinal": ordinal,
                "query": text,
                "generator": "list",
                "seed": seed,
            }
            derivations.append(Derivation(query_id, stable_hash(video["data_version"], own), row))
    return derivations


def _described(_: Project, __: Engines, todo: Sequence[Derivation]) -> Iterator[Row]:
    return ({"row_key": item.row_key, **item.payload, "created_at": datetime.now(UTC)} for item in todo)


DESCRIBED: Final = RecipeStage(Stage("queries", ("sampled_videos",), _describe_spec, _describe), _described, asks=False)


def recipe(project: Project) -> Recipe:
    """The recipe as the project's settings shape it."""
    listed = project.settings.recipe.timewarp_implicit.questions == "descriptions"
    return Recipe(NAME, (DESCRIBED if listed else QUERIES, ALIGNED, REJECTED, CONTRAST), instruction=template_of)
