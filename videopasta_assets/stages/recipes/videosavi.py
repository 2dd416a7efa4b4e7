"""VideoSAVi (arXiv 2412.00624 v2/v3): a model answers, criticizes its answer and revises it.

The revision is chosen, the initial answer rejected; no pair where nothing was revised. With `iterations`, the tuned
model does it all again (stages/iteration.py).
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from videopasta_assets.engines import Engine, Reply, Request
from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.recipes import request_seed
from videopasta_assets.recipes.critique import CRITIQUE_SCHEMA, parse_critique, revised_text, speaks_of_critique
from videopasta_assets.stages.aligned_responses import aligned_prompt, distinct_queries
from videopasta_assets.stages.contrast import decided, verdict_by_words
from videopasta_assets.stages.generation import PROMPT, Ask, answer, of_every_row, respond
from videopasta_assets.stages.materialize import Stage
from videopasta_assets.stages.project import Engines, Project, decoding, good_rows
from videopasta_assets.stages.recipe import Recipe, RecipeStage
from videopasta_assets.stages.recipes.videopasta import QUERIES
from videopasta_assets.stages.sampled_videos import clip_of
from videopasta_assets.taxonomy import MODES, FailureMode, VerdictStatus

NAME: Final = "videosavi"
STAGE_VERSION = "1"
INITIAL: Final = "initial_answer"
"""The strategy of every rejected answer: nobody asked for its errors."""

_CRITIQUE: Final = f"{NAME}/critique"
_REVISE: Final = f"{NAME}/revise"
_OF_QUERY: Final = ("query_id", "video_id", "query_mode", "query_category")


@dataclass(frozen=True)
class _Criticize(Ask):
    """A request for a critique of `answer`."""

    answer: str


def _common(project: Project) -> dict[str, str]:
    return {
        "stage": STAGE_VERSION,
        "model": project.model_id("responder"),
        "seed": str(project.settings.seed),
        **project.frame_parts,
    }


def initial_spec(project: Project) -> dict[str, str]:
    """Parts of the initial answers' specification."""
    prompts, temperature = project.prompts("responder"), project.settings.recipe.adversary_temperature
    return {
        **_common(project),
        "decoding": stable_hash(project.role("responder").decoding, temperature),
        **{f"{PROMPT}aligned/{mode}": prompts.hash(f"aligned/{mode}") for mode in MODES},
    }


def derive_initial(project: Project, shard: str) -> list[Derivation]:
    """One initial answer a question: a sample of the model's own."""
    parts = initial_spec(project)
    own = of_every_row(parts)
    videos = {row["video_id"]: row for row in good_rows(project, "sampled_videos", shard)}
    drawing = decoding(project.role("responder").decoding, temperature=project.settings.recipe.adversary_temperature)
    derivations = []
    for query in distinct_queries(good_rows(project, "queries", shard)):
        if query["video_id"] not in videos:
            continue
        clip = clip_of(project, videos[query["video_id"]], "dense")
        prompt = aligned_prompt(project, query, clip.plan.duration)
        key = stable_hash("adversary", query["query_id"], 0, 1)
        seed = request_seed(project.settings.seed, key)
        known = {
            "adversary_id": key,
            **{name: query[name] for name in _OF_QUERY},
            "slot": 0,
            "attempt": 1,
            "adv_mode": query["query_mode"],
            "adv_strategy": INITIAL,
            "responder": parts["model"],
            "prompt_version": prompt.template_hash,
            "seed": seed,
        }
        provenance = stable_hash(query["query"], clip.key, own, prompt.template_hash)
        derivations.append(Derivation(key, provenance, Ask(Request(key, prompt, clip, drawing, seed), known)))
    return derivations


def critique_spec(project: Project) -> dict[str, str]:
    """Parts of the critiques' specification."""
    return {
        **_common(project),
        "decoding": stable_hash(project.role("responder").decoding),
        f"{PROMPT}{_CRITIQUE}": project.prompts("responder").hash(_CRITIQUE),
    }


def derive_critiques(project: Project, shard: str) -> list[Derivation]:
    """One critique an initial answer."""
    parts, role = critique_spec(project), project.role("responder")
    own = of_every_row(parts)
    schema = CRITIQUE_SCHEMA if role.style == "standard" else None
    derivations = []
    for query, initial, video in _answered(project, shard):
        clip = clip_of(project, video, "dense")
        prompt = project.prompts("responder").render(
            _CRITIQUE, query=query["query"], answer=initial["response"], duration=clip.plan.duration
        )
        key = stable_hash("critique", initial["adversary_id"])
        known = {
            "critique_id": key,
            **{name: query[name] for name in _OF_QUERY},
            "adversary_id": initial["adversary_id"],
            "critic": parts["model"],
            "prompt_version": prompt.template_hash,
        }
        provenance = stable_hash(query["query"], initial["data_version"], clip.key, own, prompt.template_hash)
        request = Request(key, prompt, clip, decoding(role.decoding), request_seed(project.settings.seed, key), schema)
        derivations.append(Derivation(key, provenance, _Criticize(request, known, initial["response"])))
    return derivations


def compute_critiques(project: Project, engines: Engines, derivations: Sequence[Derivation]) -> Iterator[Row]:
    """Ask the responder what is wrong with its answers."""
    style = project.role("responder").style
    answers = {item.payload.known["critique_id"]: item.payload.answer for item in derivations}

    def columns(reply: Reply, known: Row) -> Row:
        mode = FailureMode(known["query_mode"])
        critique = parse_critique(reply.text, style, mode, answers[known["critique_id"]])
        if critique is None:
            return {"error": f"no critique in the reply: {reply.text[:200]!r}"}
        return {
            "has_error": critique.has_error,
            "error_types": [error.type for error in critique.errors],
            "errors": json.dumps([asdict(error) for error in critique.errors]),
        }

    return answer(engines.engine("responder"), derivations, columns)


def revision_spec(project: Project) -> dict[str, str]:
    """Parts of the revisions' specification."""
    return {
        **_common(project),
        "decoding": stable_hash(project.role("responder").decoding),
        "tries": str(project.settings.recipe.max_attempts),
        f"{PROMPT}{_REVISE}": project.prompts("responder").hash(_REVISE),
    }


def derive_revisions(project: Project, shard: str) -> list[Derivation]:
    """One revision an initial answer in which the critique found an error."""
    parts, role = revision_spec(project), project.role("responder")
    own = of_every_row(parts)
    critiques = {row["adversary_id"]: row for row in good_rows(project, "critiques", shard) if row["has_error"]}
    derivations = []
    for query, initial, video in _answered(project, shard):
        critique = critiques.get(initial["adversary_id"])
        if critique is None:
            continue
        clip = clip_of(project, video, "dense")
        errors: list[dict[str, Any]] = json.loads(critique["errors"])
        prompt = project.prompts("responder").render(
            _REVISE, query=query["query"], answer=initial["response"], errors=errors, duration=clip.plan.duration
        )
        key = stable_hash("aligned", query["query_id"])
        seed = request_seed(project.settings.seed, key)
        known = {
            "response_id": key,
            **{name: query[name] for name in _OF_QUERY},
            "query": query["query"],
            "responder": parts["model"],
            "prompt_version": prompt.template_hash,
            "seed": seed,
        }
        provenance = stable_hash(
            query["data_version"],
            initial["data_version"],
            critique["data_version"],
            clip.key,
            own,
            prompt.template_hash,
        )
        request = Request(key, prompt, clip, decoding(role.decoding), seed)
        derivations.append(Derivation(key, provenance, Ask(request, known)))
    return derivations


def compute_revisions(project: Project, engines: Engines, derivations: Sequence[Derivation]) -> Iterator[Row]:
    """Ask for revisions, and again, with other random numbers, for those that speak of the critique."""
    engine = engines.engine("responder")
    todo = list(derivations)
    tries = project.settings.recipe.max_attempts
    for number in range(1, tries + 1):
        leaking: list[Derivation] = []
        for row in _revised(engine, todo):
            if row.get("error") is not None or not speaks_of_critique(row["response"]):
                yield row
            elif number < tries:
                leaking.append(next(item for item in todo if item.row_key == row["row_key"]))
            else:
                yield {**row, "error": f"the revision speaks of the critique: {row['response'][:200]!r}"}
        todo = [_again(item, number) for item in leaking]
        if not todo:
            return


def _revised(engine: Engine, todo: Sequence[Derivation]) -> Iterator[Row]:
    def columns(reply: Reply, known: Row) -> Row:  # noqa: ARG001 - the generation callback's signature
        text = revised_text(reply.text)
        if not text:
            return {"error": "the reply is empty"}
        return {"response": text, "finish_reason": str(reply.finish_reason)}

    return answer(engine, todo, columns)


def _again(item: Derivation, number: int) -> Derivation:
    ask: Ask = item.payload
    drawing = replace(ask.request.decoding, temperature=max(0.7, ask.request.decoding.temperature))
    request = replace(ask.request, decoding=drawing, seed=request_seed(ask.request.seed, "again", number))
    return Derivation(item.row_key, item.provenance, Ask(request, ask.known))


def _answered(project: Project, shard: str) -> Iterator[tuple[Row, Row, Row]]:
    """(query, initial answer, video) of the shard's initial answers."""
    videos = {row["video_id"]: row for row in good_rows(project, "sampled_videos", shard)}
    questions = {row["query_id"]: row for row in good_rows(project, "queries", shard)}
    for initial in good_rows(project, "adversaries", shard):
        query, video = questions.get(initial["query_id"]), videos.get(initial["video_id"])
        if query is not None and video is not None:
            yield query, initial, video


def verdict_spec(project: Project) -> dict[str, str]:  # noqa: ARG001 - every stage has the same signature
    """Parts of the verdicts' specification."""
    return {"stage": STAGE_VERSION, "contrast": "revised, in other words"}


def derive_verdicts(project: Project, shard: str) -> list[Derivation]:
    """One verdict an initial answer that was criticized, and revised where the critique found an error."""
    critiques = {row["adversary_id"]: row for row in good_rows(project, "critiques", shard)}
    revisions = {row["query_id"]: row for row in good_rows(project, "aligned_responses", shard)}
    parts = verdict_spec(project)
    derivations = []
    for initial in good_rows(project, "adversaries", shard):
        critique, revision = critiques.get(initial["adversary_id"]), revisions.get(initial["query_id"])
        if critique is None or (critique["has_error"] and revision is None):
            continue
        versions = [row["data_version"] for row in (initial, critique, revision) if row is not None]
        derivations.append(
            Derivation(initial["adversary_id"], stable_hash(versions, parts), (revision or critique, initial, critique))
        )
    return derivations


def compute_verdicts(_: Project, __: Engines, derivations: Sequence[Derivation]) -> Iterator[Row]:
    """Accept a revision that says something else; an answer without an error is no pair."""
    for derivation in derivations:
        revision, initial, critique = derivation.payload
        if not critique["has_error"]:
            yield decided(derivation, VerdictStatus.REJECTED_NO_CONTRADICTION, "the critique found no error")
            continue
        status, reason = verdict_by_words(revision, initial)
        if status is VerdictStatus.ACCEPTED:
            reason = f"revised: {', '.join(dict.fromkeys(critique['error_types']))}"
        yield decided(derivation, status, reason)


_STAGES: Final = (
    QUERIES,
    RecipeStage(
        Stage(
            "adversaries",
            ("sampled_videos", "queries"),
            initial_spec,
            derive_initial,
            prompt=lambda row: f"{PROMPT}aligned/{row['query_mode']}",
        ),
        lambda _, engines, todo: respond(engines, todo),
    ),
    RecipeStage(
        Stage("critiques", ("sampled_videos", "queries", "adversaries"), critique_spec, derive_critiques),
        compute_critiques,
    ),
    RecipeStage(
        Stage(
            "aligned_responses",
            ("sampled_videos", "queries", "adversaries", "critiques"),
            revision_spec,
            derive_revisions,
        ),
        compute_revisions,
    ),
    RecipeStage(
        Stage("verdicts", ("adversaries", "critiques", "aligned_responses"), verdict_spec, derive_verdicts),
        compute_verdicts,
        asks=False,
    ),
)


def recipe(project: Project) -> Recipe:  # noqa: ARG001 - every recipe is made from a project
    """The recipe."""
    return Recipe(NAME, _STAGES)
