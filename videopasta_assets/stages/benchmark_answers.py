"""Answers to benchmark items, one table partition a model: `base`, or an experiment's tuned model.

The base model's answers are shared by all experiments: they are kept under `base__<benchmark>`.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from videopasta_assets.config.evaluation import BenchmarkSettings
from videopasta_assets.engines import Reply, Request
from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.evaluation import BenchmarkItem, read_reply
from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.prompts import Prompt
from videopasta_assets.stages import benchmark_judge
from videopasta_assets.stages.benchmark_items import (
    benchmark_named,
    find_video,
    forms_of,
    items_of,
    part_of,
    published,
)
from videopasta_assets.stages.generation import Ask, answer
from videopasta_assets.stages.materialize import Outcome, Progress, materialize, silent
from videopasta_assets.stages.project import Engines, Project, decoding
from videopasta_assets.taxonomy import MODES
from videopasta_assets.video.clip import Clip
from videopasta_assets.video.guard import MediaLimits
from videopasta_assets.video.plan import plan_frames
from videopasta_assets.video.probe import VideoInfo
from videopasta_assets.video.worker import probe_safely

STAGE_VERSION: Final = "2"
BASE: Final = "base"
"""Name of the untuned model among the partitions; no experiment may have it."""

_TEMPLATES: Final = {"choice": "multiple_choice", "yes_no": "yes_no", "captioned": "open_question"}
_OPEN: Final = "open_question"


def partition(model: str, benchmark: str) -> str:
    """Partition key of (experiment or base, benchmark)."""
    return f"{model}__{benchmark}"


def spec(project: Project, benchmark: str) -> dict[str, str]:
    """Parts of the specification, by name."""
    settings = benchmark_named(project, benchmark)
    prompts = project.prompts("responder")
    return {
        "stage": STAGE_VERSION,
        "model": project.model_id("responder"),
        "scoring": settings.scoring,
        "decoding": stable_hash(project.settings.evaluation.decoding),
        "dense sampling": project.sampling("policy").spec_hash,
        **project.frame_parts,
        **{f"prompt {template}": prompts.hash(template) for template in _templates(settings)},
        **benchmark_judge.spec(project, settings),
    }


def _templates(settings: BenchmarkSettings) -> list[str]:
    if settings.scoring == "likelihood":
        ours = published(settings) is None
        return [f"aligned/{mode}" for mode in MODES] if ours else [_OPEN]
    return sorted({_TEMPLATES.get(form, _OPEN) for form in forms_of(settings)})


def derive(
    project: Project, benchmark: str, adapter: tuple[Path, str] | None, items: Sequence[BenchmarkItem]
) -> list[Derivation]:
    """One row an item; `adapter` is (folder, hash) of the tuned model, None for the base.

    A video that arrives, or is replaced by one of another size, makes its items' rows stale.
    """
    settings = benchmark_named(project, benchmark)
    parts = {**spec(project, benchmark), "adapter": adapter[1] if adapter else ""}
    folder, inside = project.benchmark_folder(settings), published(settings)
    places = {video: find_video(folder, video, inside.video_folders if inside else ()) for video in _videos(items)}
    sizes = {video: path.stat().st_size if path else None for video, path in places.items()}
    return [
        Derivation(item.item_id, stable_hash(item, parts, sizes[item.video]), (item, adapter, places[item.video]))
        for item in items
    ]


def _videos(items: Sequence[BenchmarkItem]) -> dict[str, None]:
    return dict.fromkeys(item.video for item in items)


def compute(
    project: Project, model: str, benchmark: str, engines: Engines, derivations: Sequence[Derivation]
) -> Iterator[Row]:
    """Ask the responder; an item whose video cannot be read is a row that says why."""
    settings = benchmark_named(project, benchmark)
    asks: list[Derivation] = []
    for derivation in derivations:
        item, adapter, path = derivation.payload
        known = {
            "benchmark": benchmark,
            "item_id": item.item_id,
            "kind": item.kind,
            "form": item.form,
            "mode": item.mode or None,
            "category": item.category,
            "facets": [f"{name}={value}" for name, value in item.facets] or None,
            "item_group": item.group or None,
            "video_id": item.video_id,
            "question": item.question,
            "options": list(item.options),
            "reference": item.reference or None,
            "answer_index": item.answer_index,
            "experiment": model,
            "model": "base" if model == BASE else "tuned",
        }
        try:
            request = _request(project, derivation.row_key, item, settings, adapter, path)
        except VideoPastaError as error:
            yield {"row_key": derivation.row_key, **known, "error": str(error)}
            continue
        known["video_id"] = request.clip.video_id if request.clip else item.video_id
        asks.append(Derivation(derivation.row_key, derivation.provenance, Ask(request, {**known, "_item": item})))
    if asks:
        yield from benchmark_judge.judged(project, settings, engines, _answered(engines, asks))


def _request(
    project: Project,
    key: str,
    item: BenchmarkItem,
    settings: BenchmarkSettings,
    adapter: tuple[Path, str] | None,
    path: Path | None,
) -> Request:
    clip = clip_of(project, settings, item, path)
    how = decoding(project.settings.evaluation.decoding)
    folder = None if adapter is None else str(adapter[0])
    prompt = item_prompt(project, item, settings, clip.plan.duration)
    candidates = item.options if settings.scoring == "likelihood" else ()
    return Request(key, prompt, clip, how, adapter=folder, candidates=candidates)


def clip_of(project: Project, settings: BenchmarkSettings, item: BenchmarkItem, path: Path | None) -> Clip:
    """The item's video as models see it: the policy's frames, of the part that it is about.

    Raises:
        VideoPastaError: the item cannot be scored, or its video is missing, another, or cannot be read.
    """
    info = video_of(project, settings, item, path)
    plan = plan_frames(info, part_of(project.sampling("policy"), item.segment), "policy")
    return Clip(info.video_id, info.path, plan)


def video_of(project: Project, settings: BenchmarkSettings, item: BenchmarkItem, path: Path | None) -> VideoInfo:
    """The item's video.

    Raises:
        VideoPastaError: as `clip_of`.
    """
    if item.flaw:
        raise UserError(f"item {item.item_id} cannot be scored: {item.flaw}")
    if path is None:
        where = str(project.benchmark_folder(settings) / item.video)
        raise UserError("the benchmark's video is missing", where=where, fix="Put it there, or drop its items.")
    if path.suffix.lower() == ".json" or path.is_dir():
        raise UserError("it is no video", where=str(path))
    info = _probed(path, project.roots, project.limits, path.stat().st_mtime_ns)
    if item.video_id and info.video_id != item.video_id:
        raise UserError("not the benchmark's video: its content differs", where=str(path))
    return info


def question_prompt(project: Project, item: BenchmarkItem, duration: float) -> Prompt:
    """The item's question alone, to which each option is a candidate's answer."""
    prompts = project.prompts("responder")
    question = _with_subtitles(item, item.question)
    if item.mode:
        return prompts.render(
            f"aligned/{item.mode}", mode=item.mode, category=item.category, query=question, duration=duration
        )
    return prompts.render(_OPEN, question=question, duration=duration)


def _with_subtitles(item: BenchmarkItem, question: str) -> str:
    return f"Subtitles:\n{item.subtitles}\n\n{question}" if item.subtitles else question


def item_prompt(project: Project, item: BenchmarkItem, settings: BenchmarkSettings, duration: float) -> Prompt:
    """What the model is asked about an item, beside the video of `duration` seconds."""
    if settings.scoring == "likelihood":
        return question_prompt(project, item, duration)
    question = _with_subtitles(item, item.instruction or item.question)
    template = _TEMPLATES.get(item.form, _OPEN)
    options = {"options": list(item.options)} if template == "multiple_choice" else {}
    return project.prompts("responder").render(template, question=question, duration=duration, **options)


@cache
def _probed(
    path: Path,
    roots: tuple[Path, ...],
    limits: MediaLimits,
    modified_ns: int,  # noqa: ARG001 - keys the cache
) -> VideoInfo:
    return probe_safely(path, roots, limits)


def _answered(engines: Engines, asks: Sequence[Derivation]) -> Iterator[tuple[BenchmarkItem, Row]]:
    items: dict[str, BenchmarkItem] = {ask.row_key: ask.payload.known.pop("_item") for ask in asks}

    def columns(reply: Reply, known: Row) -> Row:
        item, right = items[reply.request_id], known["answer_index"]
        if reply.log_probs:
            predicted = reply.log_probs.index(max(reply.log_probs))
            others = max(p for place, p in enumerate(reply.log_probs) if place != right)
            return {
                "reply": reply.text,
                "margin": reply.log_probs[right] - others,
                "predicted_index": predicted,
                "parsed": True,
                "correct": predicted == right,
            }
        reading = read_reply(item, reply.text)
        return {
            "reply": reply.text,
            "predicted_index": reading.predicted_index,
            "parsed": reading.parsed,
            "correct": reading.correct,
        }

    for row in answer(engines.engine("responder"), asks, columns):
        yield items[row["row_key"]], row


def run(
    project: Project,
    model: str,
    benchmark: str,
    adapter: tuple[Path, str] | None,
    engines: Engines,
    progress: Progress = silent,
    *,
    retry_failed: bool = False,
) -> Outcome:
    """Bring the answers of one model up to date.

    Raises:
        UserError: the benchmark's files or all of its videos are missing.
    """

    def wanted() -> list[Derivation]:
        derivations = derive(project, benchmark, adapter, items_of(project, benchmark))
        if derivations and all(derivation.payload[2] is None for derivation in derivations):
            _say_none_is_there(project, benchmark, len(derivations))
        return derivations

    return materialize(
        project.lake,
        project.address("benchmark_answers", partition(model, benchmark)),
        wanted,
        lambda todo: compute(project, model, benchmark, engines, todo),
        {**spec(project, benchmark), "adapter": adapter[1] if adapter else ""},
        retry_failed=retry_failed,
        progress=progress,
    )


def _say_none_is_there(project: Project, benchmark: str, items: int) -> None:
    settings = benchmark_named(project, benchmark)
    inside = published(settings)
    fix = f"Get them from {inside.source}: {inside.layout}." if inside else "Put them there, or set its videos."
    raise UserError(
        f"none of the videos that the {items} items of benchmark {benchmark!r} are about is there",
        where=str(project.benchmark_folder(settings)),
        fix=fix,
    )
