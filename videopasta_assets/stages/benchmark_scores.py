"""Stage `benchmark_scores` (+ answers and breakdowns): base against tuned on a held-out benchmark."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from videopasta_assets.config.evaluation import BenchmarkSettings
from videopasta_assets.errors import UserError
from videopasta_assets.evaluation import Comparison, ItemOutcome, Metric, compare
from videopasta_assets.evaluation.benchmark import ACCURACY
from videopasta_assets.hashing import stable_hash
from videopasta_assets.lake import Derivation, Row
from videopasta_assets.stages import benchmark_answers, lmms_eval
from videopasta_assets.stages.benchmark_answers import BASE, partition
from videopasta_assets.stages.benchmark_items import (
    benchmark_named,
    files_hash,
    items_of,
    metric_of,
    published,
)
from videopasta_assets.stages.lmms_task import task_of, tasks_hash
from videopasta_assets.stages.lora_checkpoint import adapter_of, experiment_named
from videopasta_assets.stages.materialize import Outcome, Progress, materialize, silent
from videopasta_assets.stages.project import Engines, Project
from videopasta_assets.stages.training_set import training_set
from videopasta_assets.taxonomy import MODES

STAGE_VERSION: Final = "2"
OVERALL: Final = "all"


def spec(project: Project, benchmark: str) -> dict[str, str]:
    """Parts of the specification, by name."""
    settings = benchmark_named(project, benchmark)
    items = {
        "items": files_hash(project, benchmark),
        "which items": stable_hash(settings.only, settings.sample, project.settings.seed if settings.sample else 0),
    }
    if settings.lmms_eval is not None and settings.runner == lmms_eval.RUNNER:
        prompt = {"prompt": project.prompts("responder").hash("multiple_choice")}
        return {
            "stage": STAGE_VERSION,
            "model": project.model_id("responder"),
            lmms_eval.RUNNER: lmms_eval.identity(settings.lmms_eval),
            **(items | prompt if settings.lmms_eval.task is None else {}),
            **({"tasks": tasks_hash(project, settings.lmms_eval)} if settings.lmms_eval.tasks else {}),
        }
    return {
        "stage": STAGE_VERSION,
        **items,
        "metric": stable_hash(metric_of(settings)),
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


def scopes(settings: BenchmarkSettings) -> tuple[str, ...]:
    """The rows of a benchmark's scores: failure modes where it knows them, and all items together."""
    return (*(mode.value for mode in MODES), OVERALL) if published(settings) is None else (OVERALL,)


def derive(project: Project, experiment: str, benchmark: str) -> list[Derivation]:
    """One row a scope; none before the experiment was trained."""
    adapter = adapter_of(project, experiment)
    if adapter is not None and benchmark_named(project, benchmark).runner == lmms_eval.RUNNER:
        return [Derivation(OVERALL, stable_hash(adapter[1], spec(project, benchmark)))]
    provenance = _provenance(project, experiment, benchmark)
    if provenance is None:
        return []
    return [Derivation(scope, provenance) for scope in scopes(benchmark_named(project, benchmark))]


def _provenance(project: Project, experiment: str, benchmark: str) -> str | None:
    adapter = adapter_of(project, experiment)
    if adapter is None:
        return None
    return stable_hash(adapter[1], spec(project, benchmark), _answered(project, experiment, benchmark))


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
        UserError: the experiment was not trained yet, or on another base; the benchmark's files are missing or
            malformed.
    """
    adapter = _adapter(project, experiment)
    if benchmark_named(project, benchmark).runner == lmms_eval.RUNNER:
        return _run_elsewhere(project, experiment, benchmark, adapter)
    outcomes: dict[str, Outcome] = {}
    for model, chosen in ((BASE, None), (experiment, adapter)):
        outcomes["benchmark_answers"] = benchmark_answers.run(
            project, model, benchmark, chosen, engines, progress, retry_failed=retry_failed
        )
    place = partition(experiment, benchmark)
    parts = spec(project, benchmark)
    answers = _Answers.of(project, experiment, benchmark)
    outcomes["benchmark_scores"] = materialize(
        project.lake,
        project.address("benchmark_scores", place),
        lambda: derive(project, experiment, benchmark),
        lambda todo: answers.scores(adapter, todo),
        parts,
        inputs=lambda: versions(project, experiment, benchmark),
    )
    outcomes["benchmark_breakdowns"] = materialize(
        project.lake,
        project.address("benchmark_breakdowns", place),
        lambda: answers.parts(_provenance(project, experiment, benchmark)),
        answers.breakdowns,
        parts,
        inputs=lambda: versions(project, experiment, benchmark),
    )
    return outcomes


def _run_elsewhere(project: Project, experiment: str, benchmark: str, adapter: tuple[Path, str]) -> dict[str, Outcome]:
    """Let lmms-eval ask the models: one row of scores, no answers and no parts."""
    settings = benchmark_named(project, benchmark)
    runner = settings.lmms_eval
    if runner is None:  # refused when the settings are read
        raise UserError("runner lmms-eval needs lmms_eval", where=f"evaluation.benchmarks: {benchmark}")
    place, parts = partition(experiment, benchmark), spec(project, benchmark)

    def scored(todo: Sequence[Derivation]) -> Iterator[Row]:
        for derivation in todo:
            task = task_of(project, benchmark, runner)
            base = lmms_eval.evaluate(project, benchmark, runner, task, None)
            tuned = lmms_eval.evaluate(project, benchmark, runner, task, adapter)
            yield {
                "row_key": derivation.row_key,
                "experiment": experiment,
                "benchmark": benchmark,
                "mode": OVERALL,
                "metric": tuned.metric,
                "items": tuned.items,
                "base_accuracy": base.score,
                "tuned_accuracy": tuned.score,
                "difference": tuned.score - base.score,
                "runner": lmms_eval.RUNNER,
                "base_model": project.model_id("responder"),
                "adapter_hash": adapter[1],
            }

    def one() -> list[Derivation]:
        return derive(project, experiment, benchmark)

    tables: dict[str, Callable[[], list[Derivation]]] = {
        "benchmark_answers": list,
        "benchmark_scores": one,
        "benchmark_breakdowns": list,
    }
    return {
        table: materialize(
            project.lake,
            project.address(table, place),
            wanted,
            scored,
            parts,
            inputs=lambda: versions(project, experiment, benchmark),
        )
        for table, wanted in tables.items()
    }


def _adapter(project: Project, experiment: str) -> tuple[Path, str]:
    experiment_named(project, experiment)
    found = adapter_of(project, experiment)
    if found is None:
        raise UserError(
            "there is no checkpoint to score",
            where=f"experiment {experiment}",
            fix="Materialize lora_checkpoint first.",
        )
    rows = project.lake.rows(project.address("lora_checkpoint", experiment))
    base, now = next(row["base_model"] for row in rows if row["error"] is None), project.model_id("responder")
    if base != now:
        raise UserError(
            f"its checkpoint was trained on {base}, and the responder is {now}",
            where=f"experiment {experiment}",
            fix="Train it again (videopasta run does), or give roles.responder the model that it was trained on.",
        )
    return found


def trained_on(project: Project, experiment: str, benchmark: str) -> list[str]:
    """Videos of the benchmark, by identity, that pairs of the experiment are about: contamination."""
    chosen = training_set(project, experiment_named(project, experiment))
    trained = {row["video_id"] for row in chosen.members} if chosen else set()
    address = project.address("benchmark_answers", partition(BASE, benchmark))
    asked = {row["video_id"] for row in project.lake.rows(address) if row["video_id"]}
    settings = benchmark_named(project, benchmark)
    if settings.runner == lmms_eval.RUNNER and settings.format == "items":  # it leaves no answers
        asked = {item.video_id for item in items_of(project, benchmark)}
    return sorted(trained & asked)


class _Answers:
    """Both models' answers to one benchmark, and what they come to."""

    def __init__(
        self, project: Project, experiment: str, benchmark: str, base: Mapping[str, Row], tuned: Mapping[str, Row]
    ) -> None:
        self._project, self._experiment, self._benchmark = project, experiment, benchmark
        self._metric = metric_of(benchmark_named(project, benchmark))
        everything = base.keys() | tuned.keys()
        # An item that one model could not be asked about is left out of both sides, and so is the rest of its group.
        both = {key for key in base.keys() & tuned.keys() if base[key]["error"] is None and tuned[key]["error"] is None}
        if self._metric.grouped:
            cut = {(base.get(key) or tuned[key])["item_group"] for key in everything - both}
            both = {key for key in both if base[key]["item_group"] not in cut}
        self._base, self._tuned = base, tuned
        self._keys = sorted(both)
        self._left_out = [base.get(key) or tuned[key] for key in sorted(everything - both)]

    @classmethod
    def of(cls, project: Project, experiment: str, benchmark: str) -> "_Answers":
        """As the lake holds them now."""
        wanted = {item.item_id for item in items_of(project, benchmark)}
        sides = (
            {
                row["item_id"]: row
                for row in project.lake.rows(project.address("benchmark_answers", partition(model, benchmark)))
                if row["item_id"] in wanted
            }
            for model in (BASE, experiment)
        )
        return cls(project, experiment, benchmark, *sides)

    def scores(self, adapter: tuple[Path, str], derivations: Sequence[Derivation]) -> Iterator[Row]:
        """Rows of `benchmark_scores`."""
        for derivation in derivations:
            scope = derivation.row_key
            keys = [key for key in self._keys if scope in (OVERALL, self._base[key]["mode"])]
            metric = self._metric if scope == OVERALL else ACCURACY
            yield {
                "row_key": scope,
                "experiment": self._experiment,
                "benchmark": self._benchmark,
                "mode": scope,
                "base_model": self._project.model_id("responder"),
                "adapter_hash": adapter[1],
                "excluded": sum(scope in (OVERALL, row["mode"]) for row in self._left_out),
                **self._compared(keys, metric, "no item of this mode could be scored"),
            }

    def parts(self, provenance: str | None) -> list[Derivation]:
        """Rows of `benchmark_breakdowns`: a part each that at least one item belongs to."""
        if provenance is None:
            return []
        found = {facet for key in self._keys for facet in _facets(self._base[key])}
        return [Derivation(facet, provenance, facet) for facet in sorted(found)]

    def breakdowns(self, derivations: Sequence[Derivation]) -> Iterator[Row]:
        """Rows of `benchmark_breakdowns`."""
        metric = Metric("group score", grouped=True) if self._metric.grouped else ACCURACY
        for derivation in derivations:
            facet = derivation.payload
            name, _, value = facet.partition("=")
            keys = [key for key in self._keys if facet in _facets(self._base[key])]
            yield {
                "row_key": facet,
                "experiment": self._experiment,
                "benchmark": self._benchmark,
                "facet": name,
                "value": value,
                "excluded": sum(facet in _facets(row) for row in self._left_out),
                **self._compared(keys, metric, "no item of this part could be scored"),
            }

    def _compared(self, keys: Sequence[str], metric: Metric, empty: str) -> Row:
        if not keys:
            return {"items": 0, "metric": metric.name, "error": empty}
        result = compare(
            self._outcomes(self._base, keys, metric),
            self._outcomes(self._tuned, keys, metric),
            metric=metric,
            samples=self._project.settings.evaluation.bootstrap_samples,
            seed=self._project.settings.seed,
        )
        return {"metric": metric.name, **_columns(result)}

    @staticmethod
    def _outcomes(rows: Mapping[str, Row], keys: Sequence[str], metric: Metric) -> list[ItemOutcome]:
        return [
            ItemOutcome(
                row["video_id"],
                bool(row["correct"]),
                bool(row["parsed"]),
                group=row["item_group"] or "",
                stratum=_facet(row, metric.macro_over),
            )
            for row in (rows[key] for key in keys)
        ]


def _facets(row: Row) -> list[str]:
    """What the row belongs to; a benchmark that names nothing else is divided by category."""
    return row["facets"] or ([f"category={row['category']}"] if row["category"] else [])


def _facet(row: Row, name: str) -> str:
    return next((value for facet in _facets(row) if (value := facet.removeprefix(f"{name}=")) != facet), "")


def _columns(result: Comparison) -> dict[str, Any]:
    return {
        "items": result.items,
        "units": result.units,
        "base_accuracy": result.base_accuracy,
        "tuned_accuracy": result.tuned_accuracy,
        "difference": result.difference,
        "difference_low": result.low,
        "difference_high": result.high,
        "base_parse_rate": result.base_parse_rate,
        "tuned_parse_rate": result.tuned_parse_rate,
        "fixed": result.fixed,
        "broken": result.broken,
        "p_value": result.p_value,
    }
