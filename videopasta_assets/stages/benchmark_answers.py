"""Answers to benchmark items, one table partition a model: `base`, or an experiment's tuned model.

The base model's answers are shared by all experiments: they are kept under `base__<benchmark>`.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final

from videopasta_assets.config.settings import BenchmarkSettings
from videopasta_assets.engines import Reply, Request
from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.evaluation import BenchmarkItem, load_items, parse_choice
from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.stages.generation import Ask, answer
from videopasta_assets.stages.materialize import Outcome, Progress, materialize, silent
from videopasta_assets.stages.project import Engines, Project, decoding
from videopasta_assets.taxonomy import MODES
from videopasta_assets.video.clip import Clip
from videopasta_assets.video.guard import MediaLimits
from videopasta_assets.video.plan import plan_frames
from videopasta_assets.video.probe import VideoInfo
from videopasta_assets.video.worker import probe_safely

STAGE_VERSION: Final = "1"
BASE: Final = "base"
"""Name of the untuned model among the partitions; no experiment may have it."""


def partition(model: str, benchmark: str) -> str:
    """Partition key of (experiment or base, benchmark)."""
    return f"{model}__{benchmark}"


def benchmark_named(project: Project, name: str) -> BenchmarkSettings:
    """Settings of benchmark `name`.

    Raises:
        UserError: videopasta.yaml has none of that name.
    """
    for benchmark in project.settings.evaluation.benchmarks:
        if benchmark.name == name:
            return benchmark
    known = ", ".join(benchmark.name for benchmark in project.settings.evaluation.benchmarks) or "none"
    raise UserError(f"no benchmark is named {name!r}", where="videopasta.yaml", fix=f"There are: {known}.")


def spec(project: Project, benchmark: str) -> dict[str, str]:
    """Parts of the specification, by name."""
    scoring = benchmark_named(project, benchmark).scoring
    templates = ["multiple_choice"] if scoring == "generate" else [f"aligned/{mode}" for mode in MODES]
    return {
        "stage": STAGE_VERSION,
        "model": project.model_id("responder"),
        "scoring": scoring,
        "decoding": stable_hash(project.settings.evaluation.decoding),
        "dense sampling": project.sampling("dense").spec_hash,
        **project.frame_parts,
        **{f"prompt {template}": project.prompts("responder").hash(template) for template in templates},
    }


def items_of(project: Project, benchmark: str) -> list[BenchmarkItem]:
    """The benchmark's items, in the order of its file."""
    return load_items(project.settings.path(benchmark_named(project, benchmark).items))


def derive(
    project: Project, benchmark: str, adapter: tuple[Path, str] | None, items: Sequence[BenchmarkItem]
) -> list[Derivation]:
    """One row an item; `adapter` is (folder, hash) of the tuned model, None for the base."""
    parts = {**spec(project, benchmark), "adapter": adapter[1] if adapter else ""}
    return [Derivation(item.item_id, stable_hash(item, parts), (item, adapter)) for item in items if item.video_id]


def compute(
    project: Project, model: str, benchmark: str, engines: Engines, derivations: Sequence[Derivation]
) -> Iterator[Row]:
    """Ask the responder; an item whose video cannot be read is a row that says why."""
    settings = benchmark_named(project, benchmark)
    asks: list[Derivation] = []
    for derivation in derivations:
        item, adapter = derivation.payload
        known = {
            "benchmark": benchmark,
            "item_id": item.item_id,
            "kind": item.kind,
            "mode": item.mode,
            "category": item.category,
            "video_id": item.video_id,
            "answer_index": item.answer_index,
            "experiment": model,
            "model": "base" if model == BASE else "tuned",
        }
        try:
            request = _request(project, derivation.row_key, item, settings, adapter)
        except VideoPastaError as error:
            yield {"row_key": derivation.row_key, **known, "error": str(error)}
            continue
        asks.append(Derivation(derivation.row_key, derivation.provenance, Ask(request, {**known, "_item": item})))
    yield from _answered(engines, asks)


def _request(
    project: Project, key: str, item: BenchmarkItem, benchmark: BenchmarkSettings, adapter: tuple[Path, str] | None
) -> Request:
    path = project.settings.path(benchmark.items).parent / item.video
    status = path.stat() if path.exists() else None
    if status is None:
        raise UserError("the benchmark's video is missing", where=str(path), fix="Put it there, or drop its items.")
    info = _probed(path, project.roots, project.limits, status.st_mtime_ns)
    if info.video_id != item.video_id:
        raise UserError("not the benchmark's video: its content differs", where=str(path))
    clip = Clip(item.video_id, path, plan_frames(info, project.sampling("dense"), "dense"))
    prompts, how = project.prompts("responder"), decoding(project.settings.evaluation.decoding)
    folder = None if adapter is None else str(adapter[0])
    if benchmark.scoring == "likelihood":
        prompt = prompts.render(
            f"aligned/{item.mode}",
            mode=item.mode,
            category=item.category,
            query=item.question,
            duration=clip.plan.duration,
        )
        return Request(key, prompt, clip, how, adapter=folder, candidates=item.options)
    prompt = prompts.render(
        "multiple_choice", question=item.question, options=list(item.options), duration=clip.plan.duration
    )
    return Request(key, prompt, clip, how, adapter=folder)


@cache
def _probed(
    path: Path,
    roots: tuple[Path, ...],
    limits: MediaLimits,
    modified_ns: int,  # noqa: ARG001 - keys the cache
) -> VideoInfo:
    return probe_safely(path, roots, limits)


def _answered(engines: Engines, asks: Sequence[Derivation]) -> Iterator[Row]:
    items: dict[str, BenchmarkItem] = {ask.row_key: ask.payload.known.pop("_item") for ask in asks}

    def columns(reply: Reply, known: Row) -> Row:
        right = known["answer_index"]
        if reply.log_probs:
            predicted: int | None = reply.log_probs.index(max(reply.log_probs))
            margin = reply.log_probs[right] - max(p for i, p in enumerate(reply.log_probs) if i != right)
        else:
            predicted, margin = parse_choice(reply.text, items[reply.request_id].options), None
        return {
            "reply": reply.text,
            "margin": margin,
            "predicted_index": predicted,
            "correct": predicted == right,
        }

    if asks:
        yield from answer(engines.engine("responder"), asks, columns)


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
    """Bring the answers of one model up to date."""
    return materialize(
        project.lake,
        project.address("benchmark_answers", partition(model, benchmark)),
        lambda: derive(project, benchmark, adapter, items_of(project, benchmark)),
        lambda todo: compute(project, model, benchmark, engines, todo),
        {**spec(project, benchmark), "adapter": adapter[1] if adapter else ""},
        retry_failed=retry_failed,
        progress=progress,
    )
