"""Stage `timewar_items`: TimeWar's questions about held-out videos, answered from the original and the altered order.

With captions a text model writes three questions with four options and answers them again from the altered caption
(the paper). Watching, the options are answers that the responder gave: about the original, about the altered video, and
under adversarial instructions; then the right option is only what the responder says, and the items are for trying out.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from videopasta_assets.engines import Reply, Request
from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.prompts import Prompt
from videopasta_assets.recipes import parse_queries, request_seed, split_queries
from videopasta_assets.recipes.timewar import ITEMS_SCHEMA, options_from_answers, parse_items, parse_number
from videopasta_assets.stages.altered_videos import altered_clip, held_out
from videopasta_assets.stages.generation import EXTENT, of_content
from videopasta_assets.stages.materialize import Stage
from videopasta_assets.stages.project import Engines, Project, RoleName, decoding
from videopasta_assets.stages.recipe import RecipeStage
from videopasta_assets.taxonomy import STRATEGIES, FailureMode
from videopasta_assets.video.clip import Clip

STAGE_VERSION = "1"
ITEMS: Final = 3
"""Questions a video (paper)."""

_WRITE: Final = "timewarp_explicit/multiple_choice"
_CHOOSE: Final = "timewarp_explicit/choose"
_QUERY: Final = f"query/{FailureMode.TEMPORAL}"
_ALIGNED: Final = f"aligned/{FailureMode.TEMPORAL}"
_MISLEADING: Final = tuple(f"adversary/{FailureMode.TEMPORAL}/{name}" for name in STRATEGIES[FailureMode.TEMPORAL][:4])


def _spec(project: Project, *, watched: bool) -> dict[str, str]:
    templates: dict[RoleName, tuple[str, ...]] = {"query_writer": (_WRITE, _CHOOSE)}
    if watched:
        templates = {"query_writer": (_QUERY,), "responder": (_ALIGNED, *_MISLEADING)}
    share = str(project.settings.recipe.timewarp_explicit.held_out)
    parts = {"stage": STAGE_VERSION, "seed": str(project.settings.seed), f"{EXTENT}held out": share}
    parts |= project.frame_parts
    for role, names in templates.items():
        parts[f"{role} model"] = project.model_id(role)
        parts[f"{role} decoding"] = stable_hash(project.role(role).decoding)
        parts |= {f"prompt {name}": project.prompts(role).hash(name) for name in names}
    return parts


def _derive(project: Project, shard: str, *, watched: bool) -> list[Derivation]:
    """Three rows a held-out video."""
    parts = _spec(project, watched=watched)
    return [
        Derivation(
            stable_hash("timewar", video_id, ordinal),
            stable_hash(original["data_version"], altered["data_version"], of_content(parts)),
            (video_id, original, altered, ordinal),
        )
        for video_id, (original, altered) in sorted(held_out(project, shard).items())
        for ordinal in range(ITEMS)
    ]


def _known(derivation: Derivation) -> Row:
    video_id, original, altered, ordinal = derivation.payload
    return {
        "row_key": derivation.row_key,
        "item_id": derivation.row_key,
        "video_id": video_id,
        "ordinal": ordinal,
        "normal_file": original["file_id"],
        "shuffled_file": altered["file_id"],
        "scene_order": altered["scene_order"],
        "created_at": datetime.now(UTC),
    }


def _answered(item: Row, question: str, options: Sequence[str], normal: int, shuffled: int) -> Row:
    return {
        **item,
        "question": question,
        "options": list(options),
        "answer_index": normal,
        "shuffled_index": shuffled,
        "answer_changed": normal != shuffled,
    }


def from_captions(project: Project, engines: Engines, derivations: Sequence[Derivation]) -> Iterator[Row]:
    """One call a video for its questions, one a question for its answer in the altered order."""
    role, engine = project.role("query_writer"), engines.engine("query_writer")
    prompts, how = project.prompts("query_writer"), decoding(role.decoding)
    videos = {item.payload[0]: item.payload for item in derivations}
    requests = []
    for video_id, original, _, _ in videos.values():
        prompt = prompts.render(_WRITE, caption=original["caption"], count=ITEMS, duration=original["duration"])
        seed = request_seed(project.settings.seed, _WRITE, video_id)
        requests.append(Request(video_id, prompt, None, how, seed, ITEMS_SCHEMA))
    written = {reply.request_id: reply for reply in engine.generate(requests)}
    parsed = {video_id: parse_items(reply.text, ITEMS) for video_id, reply in written.items() if reply.error is None}
    asked: list[tuple[Derivation, tuple[str, tuple[str, ...], int]]] = []
    for item in derivations:
        video_id, _, _, ordinal = item.payload
        questions = parsed.get(video_id)
        if questions is None:
            reply = written[video_id]
            fault = f"the reply does not hold {ITEMS} questions with four options: {reply.text[:200]!r}"
            yield {**_known(item), "error": reply.error or fault}
        else:
            asked.append((item, questions[ordinal]))
    again = []
    for item, (question, options, _) in asked:
        altered = item.payload[2]
        prompt = prompts.render(
            _CHOOSE, caption=altered["caption"], query=question, options=list(options), duration=altered["duration"]
        )
        again.append(Request(item.row_key, prompt, None, how, request_seed(project.settings.seed, item.row_key)))
    replies = {reply.request_id: reply for reply in engine.generate(again)}
    for item, (question, options, right) in asked:
        reply = replies[item.row_key]
        chosen = None if reply.error is not None else parse_number(reply.text, options)
        if chosen is None:
            yield {**_known(item), "error": reply.error or f"no option in the reply: {reply.text[:200]!r}"}
        else:
            yield _answered(_known(item), question, options, right, chosen)


def from_videos(project: Project, engines: Engines, derivations: Sequence[Derivation]) -> Iterator[Row]:
    """Questions about the original; options from answers about both orders and from misled ones."""
    style, settings = project.role("query_writer").style, project.settings
    asks: list[Request] = []
    categories: dict[str, str] = {}
    for item in derivations:
        video_id, original, _, ordinal = item.payload
        clip = altered_clip(project, original)
        category = split_queries(ITEMS, {FailureMode.TEMPORAL: ITEMS}, video_id)[ordinal][1]
        categories[item.row_key] = category
        prompt = project.prompts("query_writer").render(
            _QUERY, mode=FailureMode.TEMPORAL.value, category=category, duration=clip.plan.duration, count=1
        )
        seed = request_seed(settings.seed, item.row_key)
        how = decoding(project.role("query_writer").decoding)
        asks.append(Request(item.row_key, prompt, clip, how, seed))
    questions: dict[str, str] = {}
    for reply in engines.engine("query_writer").generate(asks):
        found = [] if reply.error is not None else parse_queries(reply.text, style, 1, categories[reply.request_id])
        questions |= {reply.request_id: found[0]} if found else {}
    answers: list[Request] = []
    for item in derivations:
        if item.row_key not in questions:
            yield {**_known(item), "error": "the query writer gave no question"}
            continue
        _, original, altered, _ = item.payload
        clips = [altered_clip(project, row) for row in (original, altered)]
        shown: list[tuple[str, Clip]] = [(_ALIGNED, clip) for clip in clips] + [(n, clips[0]) for n in _MISLEADING]
        for number, (template, clip) in enumerate(shown):
            prompt = _about(project, template, questions[item.row_key], categories[item.row_key], clip)
            how, seed = decoding(project.role("responder").decoding), request_seed(settings.seed, item.row_key, number)
            answers.append(Request(f"{item.row_key}.{number}", prompt, clip, how, seed))
    given: dict[str, Reply] = {reply.request_id: reply for reply in engines.engine("responder").generate(answers)}
    for item in derivations:
        if item.row_key not in questions:
            continue
        texts = [given[f"{item.row_key}.{number}"].text.strip() for number in range(2 + len(_MISLEADING))]
        found_options = options_from_answers(texts[0], texts[1], texts[2:], request_seed(settings.seed, item.row_key))
        if found_options is None:
            yield {**_known(item), "error": "the answers are too alike for four options"}
            continue
        options, right = found_options
        shuffled = options.index(texts[1]) if texts[1] in options else right
        yield _answered(_known(item), questions[item.row_key], options, right, shuffled)


def _about(project: Project, template: str, query: str, category: str, clip: Clip) -> Prompt:
    return project.prompts("responder").render(
        template,
        mode=FailureMode.TEMPORAL.value,
        category=category,
        strategy=template.rpartition("/")[2],
        query=query,
        duration=clip.plan.duration,
    )


def timewar_stage(*, watched: bool) -> RecipeStage:
    """The stage, by captions or by watching."""
    stage = Stage(
        "timewar_items",
        ("altered_videos",),
        lambda project: _spec(project, watched=watched),
        lambda project, shard: _derive(project, shard, watched=watched),
    )
    return RecipeStage(stage, from_videos if watched else from_captions)
