"""Stage `benchmark_scores` (+ `benchmark_answers`): base against tuned on a held-out benchmark, by mode."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from videopasta_assets.errors import UserError
from videopasta_assets.evaluation import ItemOutcome, compare
from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.stages import benchmark_answers
from videopasta_assets.stages.benchmark_answers import BASE, partition
from videopasta_assets.stages.lora_checkpoint import adapter_of
from videopasta_assets.stages.materialize import Outcome, Progress, materialize, silent
from videopasta_assets.stages.project import Engines, Project
from videopasta_assets.taxonomy import MODES

STAGE_VERSION = "1"
OVERALL = "all"


def spec(project: Project, benchmark: str) -> dict[str, str]:
    """Parts of the specification, by name."""
    items = project.settings.path(benchmark_answers.benchmark_named(project, benchmark).items)
    return {
        "stage": STAGE_VERSION,
        "items": stable_hash(items.read_text(encoding="utf-8")) if items.exists() else "absent",
        "bootstrap samples": str(project.settings.evaluation.bootstrap_samples),
        **{f"answers {name}": part for name, part in benchmark_answers.spec(project, benchmark).items()},
    }


def versions(project: Project, experiment: str, benchmark: str) -> dict[str, str]:
    """Versions of the checkpoint that is scored, and of both models' answers."""
    return {
        "lora_checkpoint": project.data_version("lora_checkpoint", experiment),
        **_answered(project, experiment, benchmark),
    }


def _answered(project: Project, experiment: str, benchmark: str) -> dict[str, str]:
    return {
        f"{model} answers": project.data_version("benchmark_answers", partition(name, benchmark))
        for model, name in (("base", BASE), ("tuned", experiment))
    }


def derive(project: Project, experiment: str, benchmark: str) -> list[Derivation]:
    """One row a mode, and one over all; none before the experiment was trained."""
    adapter = adapter_of(project, experiment)
    if adapter is None:
        return []
    provenance = stable_hash(adapter[1], spec(project, benchmark), _answered(project, experiment, benchmark))
    return [Derivation(mode, provenance) for mode in (*(mode.value for mode in MODES), OVERALL)]


def run(
    project: Project,
    experiment: str,
    benchmark: str,
    engines: Engines,
    progress: Progress = silent,
    *,
    retry_failed: bool = False,
) -> dict[str, Outcome]:
    """Answer with base and tuned model and compare; outcomes by table.

    Raises:
        UserError: the experiment was not trained yet, or the benchmark's file is missing or malformed.
    """
    adapter = adapter_of(project, experiment)
    if adapter is None:
        raise UserError(
            "there is no checkpoint to score",
            where=f"experiment {experiment}",
            fix="Materialize lora_checkpoint first.",
        )
    outcomes: dict[str, Outcome] = {}
    for model, chosen in ((BASE, None), (experiment, adapter)):
        outcomes["benchmark_answers"] = benchmark_answers.run(
            project, model, benchmark, chosen, engines, progress, retry_failed=retry_failed
        )
    place = partition(experiment, benchmark)
    outcomes["benchmark_scores"] = materialize(
        project.lake,
        project.address("benchmark_scores", place),
        lambda: derive(project, experiment, benchmark),
        lambda todo: _scored(project, experiment, benchmark, adapter, todo),
        spec(project, benchmark),
        inputs=lambda: versions(project, experiment, benchmark),
    )
    return outcomes


def _scored(
    project: Project,
    experiment: str,
    benchmark: str,
    adapter: tuple[Path, str],
    derivations: Sequence[Derivation],
) -> Iterator[Row]:
    base = _answers(project, BASE, benchmark)
    tuned = _answers(project, experiment, benchmark)
    for derivation in derivations:
        mode = derivation.row_key
        # An item that one model could not be asked about is left out of both sides.
        keys = [key for key in sorted(base.keys() & tuned.keys()) if mode in (OVERALL, base[key]["mode"])]
        known: Row = {
            "row_key": mode,
            "experiment": experiment,
            "benchmark": benchmark,
            "mode": mode,
            "items": len(keys),
            "base_model": project.model_id("responder"),
            "adapter_hash": adapter[1],
        }
        if not keys:
            yield {**known, "error": "no item of this mode could be scored"}
            continue
        yield {**known, **_compared(project, [base[key] for key in keys], [tuned[key] for key in keys])}


def _answers(project: Project, model: str, benchmark: str) -> Mapping[str, Row]:
    rows = project.lake.rows(project.address("benchmark_answers", partition(model, benchmark)))
    return {row["item_id"]: row for row in rows if row["error"] is None}


def _compared(project: Project, base: Sequence[Row], tuned: Sequence[Row]) -> Row:
    result = compare(
        [_outcome(row) for row in base],
        [_outcome(row) for row in tuned],
        samples=project.settings.evaluation.bootstrap_samples,
        seed=project.settings.seed,
    )
    return {
        "base_accuracy": result.base_accuracy,
        "tuned_accuracy": result.tuned_accuracy,
        "difference": result.difference,
        "difference_low": result.low,
        "difference_high": result.high,
        "base_parse_rate": result.base_parse_rate,
        "tuned_parse_rate": result.tuned_parse_rate,
    }


def _outcome(row: Row) -> ItemOutcome:
    return ItemOutcome(row["video_id"], bool(row["correct"]), row["predicted_index"] is not None)
