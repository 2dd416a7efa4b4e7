"""LLaVA-Hound-DPO's way to make pairs: several answers are sampled and scored by a caption that stands for the video.

Chosen has the highest score and rejected the lowest; answers of equal score are no pair. (The published set of that
name, made with a proprietary scorer, comes in by `videopasta import`.)
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from videopasta_assets.engines import Decoding, Reply, Request
from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.recipes import request_seed
from videopasta_assets.recipes.answer_score import SCORE_SCHEMA, parse_score
from videopasta_assets.stages.aligned_responses import aligned_prompt, distinct_queries
from videopasta_assets.stages.contrast import decided, verdict_by_words
from videopasta_assets.stages.generation import EXTENT
from videopasta_assets.stages.materialize import Stage
from videopasta_assets.stages.project import Engines, Project, decoding, good_rows
from videopasta_assets.stages.recipe import Recipe, RecipeStage
from videopasta_assets.stages.recipes.videopasta import QUERIES
from videopasta_assets.stages.reply_cost import cost_of
from videopasta_assets.stages.sampled_videos import clip_of
from videopasta_assets.taxonomy import MODES, VerdictStatus

NAME: Final = "hound_dpo"
STAGE_VERSION = "1"
LOWEST_SCORED: Final = "lowest_score"
_SCORE: Final = f"{NAME}/score"
_CAPTION: Final = "caption"
_OF_QUERY: Final = ("query_id", "video_id", "query_mode", "query_category")


def _drawing(project: Project) -> Decoding:
    """Candidates are sampled at temperature 1 and top-p 0.95, as in its published code."""
    return decoding(project.role("responder").decoding, temperature=1.0, top_p=0.95)


def _candidates_spec(project: Project) -> dict[str, str]:
    responder = project.prompts("responder")
    return {
        "stage": STAGE_VERSION,
        "model": project.model_id("responder"),
        "decoding": stable_hash(_drawing(project), project.role("query_writer").decoding),
        "captioner model": project.model_id("query_writer"),
        "scorer model": project.model_id("judge"),
        "scorer decoding": stable_hash(project.role("judge").decoding),
        "seed": str(project.settings.seed),
        **project.frame_parts,
        f"{EXTENT}candidates": str(project.settings.recipe.hound_candidates),
        f"prompt {_CAPTION}": project.prompts("query_writer").hash(_CAPTION),
        f"prompt {_SCORE}": project.prompts("judge").hash(_SCORE),
        **{f"prompt aligned/{mode}": responder.hash(f"aligned/{mode}") for mode in MODES},
    }


def _derive_candidates(project: Project, shard: str) -> list[Derivation]:
    """As many candidates a question as the settings say."""
    parts = {name: part for name, part in _candidates_spec(project).items() if not name.startswith(EXTENT)}
    videos = {row["video_id"]: row for row in good_rows(project, "sampled_videos", shard)}
    return [
        Derivation(
            stable_hash("candidate", query["query_id"], ordinal),
            stable_hash(query["data_version"], videos[query["video_id"]]["dense_plan"], parts),
            (query, videos[query["video_id"]], ordinal),
        )
        for query in distinct_queries(good_rows(project, "queries", shard))
        if query["video_id"] in videos
        for ordinal in range(project.settings.recipe.hound_candidates)
    ]


def _sample_and_score(project: Project, engines: Engines, derivations: Sequence[Derivation]) -> Iterator[Row]:
    captions = _captions(project, engines, derivations)
    samples = _samples(project, engines, derivations)
    judge, scored = project.role("judge"), []
    for item in derivations:
        query, video, _ = item.payload
        sample, caption = samples[item.row_key], captions[query["video_id"]]
        if sample.error is not None or caption.error is not None or not sample.text.strip():
            yield {**_known(item), "error": sample.error or caption.error or "the reply is empty"}
            continue
        prompt = project.prompts("judge").render(
            _SCORE, caption=caption.text.strip(), query=query["query"], answer=sample.text.strip()
        )
        # The compact style has no words for a caption: its judge looks at the video and answers the question itself.
        compact = judge.style == "compact"
        clip = clip_of(project, video, "dense") if compact else None
        schema = None if compact else SCORE_SCHEMA
        how = decoding(judge.decoding, temperature=0.0, max_new_tokens=64) if compact else decoding(judge.decoding)
        seed = request_seed(project.settings.seed, item.row_key, "score")
        scored.append((item, Request(item.row_key, prompt, clip, how, seed, schema)))
    items = {item.row_key: item for item, _ in scored}
    for reply in engines.engine("judge").generate([request for _, request in scored]):
        item = items[reply.request_id]
        answer = samples[reply.request_id].text
        score = None if reply.error is not None else parse_score(reply.text, judge.style, answer)
        row = {**_known(item), "score_reply": reply.text}
        if score is None:
            yield {**row, "error": reply.error or f"no score in the reply: {reply.text[:200]!r}"}
            continue
        sample = samples[item.row_key]
        yield {
            **row,
            "response": sample.text.strip(),
            "finish_reason": str(sample.finish_reason),
            "caption": captions[item.payload[0]["video_id"]].text.strip(),
            "score": score,
            "responder": project.model_id("responder"),
            "scorer": project.model_id("judge"),
            **cost_of(sample, reply),
        }


def _known(item: Derivation) -> Row:
    query, _, ordinal = item.payload
    return {
        "row_key": item.row_key,
        "candidate_id": item.row_key,
        **{name: query[name] for name in _OF_QUERY},
        "query": query["query"],
        "ordinal": ordinal,
        "created_at": datetime.now(UTC),
    }


def _captions(project: Project, engines: Engines, derivations: Sequence[Derivation]) -> Mapping[str, Reply]:
    """A caption of each video, greedily: equal whenever it is asked for."""
    requests = {}
    for item in derivations:
        _, video, _ = item.payload
        clip = clip_of(project, video, "dense")
        prompt = project.prompts("query_writer").render(_CAPTION, duration=clip.plan.duration)
        how = decoding(project.role("query_writer").decoding, temperature=0.0, max_new_tokens=256)
        requests[video["video_id"]] = Request(video["video_id"], prompt, clip, how)
    return {reply.request_id: reply for reply in engines.engine("query_writer").generate(requests.values())}


def _samples(project: Project, engines: Engines, derivations: Sequence[Derivation]) -> Mapping[str, Reply]:
    requests = []
    for item in derivations:
        query, video, _ = item.payload
        clip = clip_of(project, video, "dense")
        prompt = aligned_prompt(project, query, clip.plan.duration)
        seed = request_seed(project.settings.seed, item.row_key)
        requests.append(Request(item.row_key, prompt, clip, _drawing(project), seed))
    return {reply.request_id: reply for reply in engines.engine("responder").generate(requests)}


def _chosen_spec(project: Project) -> dict[str, str]:  # noqa: ARG001 - every stage has the same signature
    return {"stage": STAGE_VERSION}


def _ranked(project: Project, shard: str) -> dict[str, list[Row]]:
    """Candidates of each question, the best first; of equal ones the first sample."""
    found: dict[str, list[Row]] = {}
    for row in good_rows(project, "candidates", shard):
        found.setdefault(row["query_id"], []).append(row)
    ranked = {query: sorted(rows, key=lambda row: (-row["score"], row["ordinal"])) for query, rows in found.items()}
    return {query: rows for query, rows in ranked.items() if len(rows) > 1}


def _derive_side(project: Project, shard: str, *, chosen: bool) -> list[Derivation]:
    derivations = []
    for query_id, rows in sorted(_ranked(project, shard).items()):
        row = rows[0] if chosen else rows[-1]
        key = stable_hash("aligned", query_id) if chosen else stable_hash("adversary", query_id, 0, 1)
        derivations.append(Derivation(key, stable_hash(row["data_version"], STAGE_VERSION, chosen), row))
    return derivations


def _side(derivations: Sequence[Derivation], *, chosen: bool) -> Iterator[Row]:
    for item in derivations:
        row = item.payload
        side = {"response_id": item.row_key, "query": row["query"]}
        if not chosen:
            side = {"adversary_id": item.row_key, "adv_mode": row["query_mode"], "adv_strategy": LOWEST_SCORED}
        yield {
            "row_key": item.row_key,
            **{name: row[name] for name in (*_OF_QUERY, "response", "finish_reason", "responder")},
            **side,
            **({} if chosen else {"slot": 0, "attempt": 1, "perturbation": f'{{"score": {row["score"]}}}'}),
            "created_at": datetime.now(UTC),
        }


def _derive_verdicts(project: Project, shard: str) -> list[Derivation]:
    """Whether the best and the worst differ in score and words."""
    aligned = {row["query_id"]: row for row in good_rows(project, "aligned_responses", shard)}
    rejected = {row["query_id"]: row for row in good_rows(project, "adversaries", shard)}
    derivations = []
    for query_id, rows in _ranked(project, shard).items():
        if query_id not in aligned or query_id not in rejected:
            continue
        sides = (aligned[query_id], rejected[query_id])
        scores = (rows[0]["score"], rows[-1]["score"])
        provenance = stable_hash([row["data_version"] for row in sides], scores, STAGE_VERSION)
        derivations.append(Derivation(sides[1]["adversary_id"], provenance, (*sides, scores)))
    return derivations


def _decide(_: Project, __: Engines, derivations: Sequence[Derivation]) -> Iterator[Row]:
    for item in derivations:
        aligned, rejected, (high, low) = item.payload
        if high == low:
            yield decided(item, VerdictStatus.REJECTED_NO_CONTRADICTION, f"all candidates have the score {high}")
            continue
        status, reason = verdict_by_words(aligned, rejected)
        yield decided(item, status, f"scores {high} and {low}" if status is VerdictStatus.ACCEPTED else reason)


_STAGES: Final = (
    QUERIES,
    RecipeStage(
        Stage("candidates", ("sampled_videos", "queries"), _candidates_spec, _derive_candidates), _sample_and_score
    ),
    RecipeStage(
        Stage(
            "aligned_responses",
            ("candidates",),
            _chosen_spec,
            lambda project, shard: _derive_side(project, shard, chosen=True),
        ),
        lambda _, __, todo: _side(todo, chosen=True),
        asks=False,
    ),
    RecipeStage(
        Stage(
            "adversaries",
            ("candidates",),
            _chosen_spec,
            lambda project, shard: _derive_side(project, shard, chosen=False),
        ),
        lambda _, __, todo: _side(todo, chosen=False),
        asks=False,
    ),
    RecipeStage(
        Stage("verdicts", ("candidates", "aligned_responses", "adversaries"), _chosen_spec, _derive_verdicts),
        _decide,
        asks=False,
    ),
)


def recipe(project: Project) -> Recipe:  # noqa: ARG001 - every recipe is made from a project
    """The recipe."""
    return Recipe(NAME, _STAGES)
