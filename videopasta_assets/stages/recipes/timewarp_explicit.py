"""TimeWarp-Explicit (arXiv 2510.03955, section 3.1): one question, answered from a video and from its altered order.

The answer from the original is chosen, the answer from the altered one rejected, and training shows the original. With
`captions` a text model reads the scenes' texts in either order (the paper); with `video` the responder watches the two
rebuilt files.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from videopasta_assets.engines import Reply, Request
from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.recipes import QUERY_SCHEMA, parse_queries, request_seed, split_queries
from videopasta_assets.recipes.caption_questions import QUESTIONS_SCHEMA, parse_answer, parse_questions
from videopasta_assets.stages.aligned_responses import aligned_prompt, distinct_queries
from videopasta_assets.stages.altered_videos import ALTERED_VIDEOS, altered_clip, original_clips, rebuilt
from videopasta_assets.stages.contrast import CONTRAST
from videopasta_assets.stages.generation import EXTENT, PROMPT, Ask, answer, of_content, of_every_row, respond
from videopasta_assets.stages.materialize import Stage
from videopasta_assets.stages.project import Engines, Project, RoleName, decoding, good_rows
from videopasta_assets.stages.recipe import Recipe, RecipeStage
from videopasta_assets.stages.reply_cost import cost_of
from videopasta_assets.stages.scenes import SCENES
from videopasta_assets.stages.timewar_items import timewar_stage
from videopasta_assets.taxonomy import FailureMode

NAME: Final = "timewarp_explicit"
STAGE_VERSION = "1"

_QUESTIONS: Final = f"{NAME}/questions"
_ANSWER: Final = f"{NAME}/answer"
_QUERY: Final = f"query/{FailureMode.TEMPORAL}"
_ALIGNED: Final = f"aligned/{FailureMode.TEMPORAL}"
_CATEGORY: Final = "event_ordering"


def _spec(project: Project, role: RoleName, template: str) -> dict[str, str]:
    return {
        "stage": STAGE_VERSION,
        "model": project.model_id(role),
        "decoding": stable_hash(project.role(role).decoding),
        "seed": str(project.settings.seed),
        **project.frame_parts,
        f"{PROMPT}{template}": project.prompts(role).hash(template),
    }


def _questions_spec(project: Project) -> dict[str, str]:
    wanted = project.settings.recipe.queries_per_video
    parts = {**_spec(project, "query_writer", _QUESTIONS), "queries per video": str(wanted), **_extent(project)}
    # What asks for one question at a time asks for its answer too.
    return parts | ({"prompt answer": project.prompts("query_writer").hash(_ANSWER)} if _one_by_one(project) else {})


def _one_by_one(project: Project) -> bool:
    """A model of the compact style writes one question a reply, and no answer with it."""
    return project.role("query_writer").style == "compact"


def _derive_questions(project: Project, shard: str) -> list[Derivation]:
    """As many rows a video as there are to be questions; one request asks for all of them with their answers.

    In the compact style each has a request and a category of its own.
    """
    parts, wanted = _questions_spec(project), project.settings.recipe.queries_per_video
    single, how = _one_by_one(project), decoding(project.role("query_writer").decoding)
    derivations = []
    for video_id, (original, _) in sorted(rebuilt(project, shard).items()):
        shared = split_queries(wanted, {FailureMode.TEMPORAL: wanted}, video_id)
        for ordinal, (_, own) in enumerate(shared):
            category = own if single else _CATEGORY
            asked = ("questions", video_id, ordinal) if single else ("questions", video_id)
            prompt = project.prompts("query_writer").render(
                _QUESTIONS,
                caption=original["caption"],
                count=wanted,
                category=category,
                duration=original["duration"],
            )
            seed = request_seed(project.settings.seed, *asked)
            request = Request(stable_hash(*asked), prompt, None, how, seed, None if single else QUESTIONS_SCHEMA)
            query_id = stable_hash("query", video_id, FailureMode.TEMPORAL, _CATEGORY, ordinal)
            known = {**_known(query_id, video_id, ordinal, category), "generator": parts["model"], "seed": seed}
            known["prompt_version"] = prompt.template_hash
            provenance = stable_hash(original["caption"], original["duration"], of_content(parts))
            derivations.append(Derivation(query_id, provenance, (Ask(request, known), original)))
    return derivations


def _known(query_id: str, video_id: str, ordinal: int, category: str) -> Row:
    return {
        "query_id": query_id,
        "video_id": video_id,
        "query_mode": FailureMode.TEMPORAL.value,
        "query_category": category,
        "ordinal": ordinal,
    }


def _ask_questions(project: Project, engines: Engines, derivations: Sequence[Derivation]) -> Iterator[Row]:
    """Ask once a video and yield a row a question; a reply with another number of questions fails all of them."""
    if _one_by_one(project):
        yield from _ask_one_by_one(project, engines, derivations)
        return
    wanted = project.settings.recipe.queries_per_video
    rows: dict[str, list[Derivation]] = {}
    for derivation in derivations:
        rows.setdefault(derivation.payload[0].request.request_id, []).append(derivation)
    requests = [group[0].payload[0].request for group in rows.values()]
    for reply in engines.engine("query_writer").generate(requests):
        questions = None if reply.error is not None else parse_questions(reply.text, wanted)
        share = replace(
            reply,
            prompt_tokens=reply.prompt_tokens // wanted,
            cached_tokens=None if reply.cached_tokens is None else reply.cached_tokens // wanted,
            completion_tokens=reply.completion_tokens // wanted,
            seconds=reply.seconds / wanted,
        )
        for derivation in rows[reply.request_id]:
            known: Row = derivation.payload[0].known
            row = {"row_key": derivation.row_key, **known, **cost_of(share), "created_at": datetime.now(UTC)}
            if questions is None:
                fault = f"the reply does not hold {wanted} questions with answers: {reply.text[:200]!r}"
                yield {**row, "error": reply.error or fault}
            else:
                question, given = questions[known["ordinal"]]
                yield {**row, "query": question, "answer": given}


def _ask_one_by_one(project: Project, engines: Engines, derivations: Sequence[Derivation]) -> Iterator[Row]:
    """A question from the original caption, and then its answer from the same."""
    engine, prompts = engines.engine("query_writer"), project.prompts("query_writer")
    asked = {reply.request_id: reply for reply in engine.generate(item.payload[0].request for item in derivations)}
    requests = []
    for item in derivations:
        ask, original = item.payload
        reply = asked[ask.request.request_id]
        if reply.error is None and reply.text.strip():
            prompt = prompts.render(
                _ANSWER, caption=original["caption"], query=reply.text.strip(), duration=original["duration"]
            )
            seed = request_seed(project.settings.seed, item.row_key, "answer")
            requests.append(Request(item.row_key, prompt, None, ask.request.decoding, seed))
    answers = {reply.request_id: reply for reply in engine.generate(requests)} if requests else {}
    for item in derivations:
        ask, _ = item.payload
        first, second = asked[ask.request.request_id], answers.get(item.row_key)
        row = {"row_key": item.row_key, **ask.known, "created_at": datetime.now(UTC)}
        given = "" if second is None or second.error is not None else parse_answer(second.text)
        if second is None or not given:
            error = first.error or (None if second is None else second.error)
            yield {**row, **cost_of(first), "error": error or "the model wrote no question, or no answer to it"}
        else:
            yield {**row, **cost_of(first, second), "query": first.text.strip(), "answer": given}


def _given_spec(project: Project) -> dict[str, str]:  # noqa: ARG001 - every stage has the same signature
    return {"stage": STAGE_VERSION, "answers": "with the questions"}


def _derive_given(project: Project, shard: str) -> list[Derivation]:
    """The answers that came with the questions."""
    parts = _given_spec(project)
    return [
        Derivation(stable_hash("aligned", query["query_id"]), stable_hash(query["data_version"], parts), query)
        for query in distinct_queries(good_rows(project, "queries", shard))
    ]


def _give(_: Project, __: Engines, derivations: Sequence[Derivation]) -> Iterator[Row]:
    for derivation in derivations:
        query = derivation.payload
        yield {
            "row_key": derivation.row_key,
            "response_id": derivation.row_key,
            **{name: query[name] for name in ("query_id", "video_id", "query_mode", "query_category", "query")},
            "response": query["answer"],
            "finish_reason": "stop",
            **{"responder": query["generator"], "prompt_version": query["prompt_version"], "seed": query["seed"]},
            "created_at": datetime.now(UTC),
        }


def _derive_from_caption(project: Project, shard: str) -> list[Derivation]:
    """The same questions, to be answered from the altered caption."""
    parts = _spec(project, "query_writer", _ANSWER)
    own = of_every_row(parts)
    found = rebuilt(project, shard)
    derivations = []
    for query in distinct_queries(good_rows(project, "queries", shard)):
        if query["video_id"] not in found:
            continue
        _, altered = found[query["video_id"]]
        prompt = project.prompts("query_writer").render(
            _ANSWER, caption=altered["caption"], query=query["query"], duration=altered["duration"]
        )
        key, known = _rejected(query, altered, prompt.template_hash, parts["model"])
        seed = request_seed(project.settings.seed, key)
        how = decoding(project.role("query_writer").decoding, temperature=project.settings.recipe.adversary_temperature)
        provenance = stable_hash(query["query"], altered["caption"], altered["duration"], own, prompt.template_hash)
        ask = Ask(Request(key, prompt, None, how, seed), {**known, "seed": seed})
        derivations.append(Derivation(key, provenance, ask))
    return derivations


def _rejected(query: Row, altered: Row, prompt_version: str, model: str) -> tuple[str, Row]:
    key = stable_hash("adversary", query["query_id"], 0, 1)
    return key, {
        "adversary_id": key,
        **{name: query[name] for name in ("query_id", "video_id", "query_mode", "query_category")},
        "slot": 0,
        "attempt": 1,
        "adv_mode": FailureMode.TEMPORAL.value,
        "adv_strategy": altered["scene_order"],
        "perturbation": json.dumps({"kind": "scene_order", "altered": altered["altered_id"]}),
        "responder": model,
        "prompt_version": prompt_version,
    }


def _answer_from_caption(_: Project, engines: Engines, derivations: Sequence[Derivation]) -> Iterator[Row]:
    def columns(reply: Reply, known: Row) -> Row:  # noqa: ARG001 - the generation callback's signature
        text = parse_answer(reply.text)
        return (
            {"response": text, "finish_reason": str(reply.finish_reason)} if text else {"error": "the reply is empty"}
        )

    return answer(engines.engine("query_writer"), derivations, columns)


def _watched_questions_spec(project: Project) -> dict[str, str]:
    wanted = project.settings.recipe.queries_per_video
    return {**_spec(project, "query_writer", _QUERY), f"{EXTENT}queries per video": str(wanted), **_extent(project)}


def _extent(project: Project) -> dict[str, str]:
    return {f"{EXTENT}held out": str(project.settings.recipe.timewarp_explicit.held_out)}


def _derive_watched_questions(project: Project, shard: str) -> list[Derivation]:
    """Temporal questions about the rebuilt original."""
    parts, role = _watched_questions_spec(project), project.role("query_writer")
    own = of_every_row(parts)
    count = project.settings.recipe.queries_per_video
    schema = QUERY_SCHEMA if role.style == "standard" else None
    derivations = []
    for video_id, (original, _) in sorted(rebuilt(project, shard).items()):
        clip = altered_clip(project, original)
        wanted = split_queries(count, {FailureMode.TEMPORAL: count}, video_id)
        for ordinal, (mode, category) in enumerate(wanted):
            query_id = stable_hash("query", video_id, mode, category, ordinal)
            prompt = project.prompts("query_writer").render(
                _QUERY, mode=mode, category=category, duration=clip.plan.duration, count=1
            )
            seed = request_seed(project.settings.seed, query_id)
            known = {**_known(query_id, video_id, ordinal, category), "generator": parts["model"], "seed": seed}
            known["prompt_version"] = prompt.template_hash
            request = Request(query_id, prompt, clip, decoding(role.decoding), seed, schema)
            provenance = stable_hash(original["data_version"], own, prompt.template_hash)
            derivations.append(Derivation(query_id, provenance, Ask(request, known)))
    return derivations


def _ask_watched(project: Project, engines: Engines, derivations: Sequence[Derivation]) -> Iterator[Row]:
    style = project.role("query_writer").style

    def columns(reply: Reply, known: Row) -> Row:
        queries = parse_queries(reply.text, style, wanted=1, category=known["query_category"])
        return {"query": queries[0]} if queries else {"error": f"no query in the reply: {reply.text[:200]!r}"}

    return answer(engines.engine("query_writer"), derivations, columns)


def _watched_spec(project: Project) -> dict[str, str]:
    return _spec(project, "responder", _ALIGNED)


def _derive_watched(project: Project, shard: str, *, altered: bool) -> list[Derivation]:
    """Answers of the responder that watches the original, or the altered video."""
    parts = _watched_spec(project)
    own = of_every_row(parts)
    found = rebuilt(project, shard)
    derivations = []
    for query in distinct_queries(good_rows(project, "queries", shard)):
        if query["video_id"] not in found:
            continue
        row = found[query["video_id"]][int(altered)]
        clip = altered_clip(project, row)
        prompt = aligned_prompt(project, query, clip.plan.duration)
        if altered:
            key, known = _rejected(query, row, prompt.template_hash, parts["model"])
        else:
            key = stable_hash("aligned", query["query_id"])
            known = {
                "response_id": key,
                **{name: query[name] for name in ("query_id", "video_id", "query_mode", "query_category", "query")},
                "responder": parts["model"],
                "prompt_version": prompt.template_hash,
            }
        seed = request_seed(project.settings.seed, key)
        request = Request(key, prompt, clip, decoding(project.role("responder").decoding), seed)
        provenance = stable_hash(query["data_version"], clip.key, own, prompt.template_hash)
        derivations.append(Derivation(key, provenance, Ask(request, {**known, "seed": seed})))
    return derivations


def _watch(_: Project, engines: Engines, derivations: Sequence[Derivation]) -> Iterator[Row]:
    return respond(engines, derivations)


_FROM_CAPTIONS: Final = (
    RecipeStage(Stage("queries", ("altered_videos",), _questions_spec, _derive_questions), _ask_questions),
    RecipeStage(Stage("aligned_responses", ("queries",), _given_spec, _derive_given), _give, asks=False),
    RecipeStage(
        Stage(
            "adversaries",
            ("altered_videos", "queries"),
            lambda project: _spec(project, "query_writer", _ANSWER),
            _derive_from_caption,
        ),
        _answer_from_caption,
    ),
)

_FROM_VIDEO: Final = (
    RecipeStage(
        Stage("queries", ("altered_videos",), _watched_questions_spec, _derive_watched_questions), _ask_watched
    ),
    RecipeStage(
        Stage(
            "aligned_responses",
            ("altered_videos", "queries"),
            _watched_spec,
            lambda project, shard: _derive_watched(project, shard, altered=False),
        ),
        _watch,
    ),
    RecipeStage(
        Stage(
            "adversaries",
            ("altered_videos", "queries"),
            _watched_spec,
            lambda project, shard: _derive_watched(project, shard, altered=True),
        ),
        _watch,
    ),
)


def recipe(project: Project) -> Recipe:
    """The recipe as the project's settings shape it."""
    chosen = project.settings.recipe.timewarp_explicit.answers
    watched = chosen == "video" or (chosen == "auto" and project.role("responder").style == "compact")
    answers = _FROM_VIDEO if watched else _FROM_CAPTIONS
    benchmark = (timewar_stage(watched=watched),) if project.settings.recipe.timewarp_explicit.held_out else ()
    return Recipe(NAME, (SCENES, ALTERED_VIDEOS, *answers, CONTRAST, *benchmark), clips=original_clips)
