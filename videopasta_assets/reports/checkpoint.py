"""The report of a checkpoint: what it was trained on, how training went, and how it scores against its base model."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from videopasta_assets.lake import Row
from videopasta_assets.reports import figures, paper
from videopasta_assets.reports.changes import changes
from videopasta_assets.reports.document import Page, Plot, Report, Section, Table, percent, points, render
from videopasta_assets.stages import preference_set
from videopasta_assets.stages.benchmark_answers import partition
from videopasta_assets.stages.project import Project, good_rows
from videopasta_assets.taxonomy import CATEGORIES, MODES
from videopasta_assets.training.result import read_log


def write_checkpoint_report(project: Project, experiment: str) -> Page | None:
    """Write the page of an experiment's checkpoint beside the lake's tables; None before it was trained.

    Raises:
        LakeError: it cannot be written.
    """
    row = next(good_rows(project, "lora_checkpoint", experiment), None)
    if row is None:
        return None
    report = checkpoint_report(project, row)
    name = f"reports/{project.recipe}/checkpoint-{experiment}-{row['adapter_hash'][:16]}.html"
    return Page(report, project.lake.write_file(name, render(report).encode()))


def checkpoint_report(project: Project, row: Row) -> Report:
    """The report of a `lora_checkpoint` row."""
    experiment = row["experiment"]
    scores = [
        score
        for benchmark in project.settings.evaluation.benchmarks
        for score in good_rows(project, "benchmark_scores", partition(experiment, benchmark.name))
    ]
    return Report(
        title=f"Checkpoint {experiment}",
        summary=_summary(row, [score for score in scores if score["adapter_hash"] == row["adapter_hash"]]),
        facts=[
            ("base model", row["base_model"]),
            ("adapter", row["adapter"]),
            ("adapter hash", row["adapter_hash"]),
            ("pairs of", row["preference_set"]),
            ("pairs", row["pairs"]),
            ("optimizer steps", row["steps"]),
            ("wall time", f"{row['seconds']:.0f} s"),
            ("trained", f"{row['created_at']:%Y-%m-%d %H:%M} UTC"),
        ],
        sections=[
            _training(project, row),
            _scores(scores, row),
            *([changed] if (changed := changes(project, experiment)) is not None else []),
            *([_pairs(project, row)] if _is_current(project, row) else []),
            _settings(row),
        ],
    )


def _summary(row: Row, scores: list[Row]) -> str:
    overall = [score for score in scores if score["mode"] == "all" and score["difference"] is not None]
    trained = f"Trained on {row['pairs']:,} pairs in {row['steps']:,} steps."
    if not overall:
        return f"{trained} It was not scored yet."
    sentences = []
    for score in overall:
        low, high = score["difference_low"], score["difference_high"]
        found = f"{points(score['difference'])} points"
        if low is None or high is None:
            sentences.append(
                f"On {score['benchmark']}, run by {score['runner']}, it differs by {found}, without interval."
            )
            continue
        verdict = "better" if low > 0 else "worse" if high < 0 else "no different, as far as these items can tell"
        sentences.append(
            f"On {score['benchmark']} it is {verdict}: {found} ({points(low)} to {points(high)}) over "
            f"{score['items']:,} items."
        )
    return " ".join([trained, *sentences])


def _training(project: Project, row: Row) -> Section:
    steps = read_log(project.lake.local_folder(str(Path(row["adapter"]).parent)) / "training_log.jsonl")
    metrics = json.loads(row["metrics"] or "{}")
    modes = [name.split("/", 1)[1] for name in metrics if name.startswith("reward_accuracy/")]
    names = ("reward_accuracy", "reward_chosen", "reward_rejected", "reward_margin")
    rows = [
        (scope or "all", *(_rounded(metrics.get(f"{name}/{scope}" if scope else name)) for name in names))
        for scope in (None, *modes)
    ]
    rewarded = any("rewards/chosen" in step for step in steps)  # supervised training has none
    curves = Plot(figures.training_curves(steps), "Reward accuracy, chosen and rejected reward by step")
    return Section(
        "Training",
        (
            "Rewards are beta times the gain in log-probability over the frozen base model (section 3.5). "
            f"For orientation, {paper.TRAINING_DYNAMICS}.",
        )
        if rewarded
        else (f"Supervised; loss {metrics.get('train_loss', float('nan')):.4g} on average. There are no rewards.",),
        curves if rewarded else None,
        (Table(("at the end", "accuracy", "chosen reward", "rejected reward", "margin"), rows),) if rewarded else (),
    )


def _scores(scores: list[Row], row: Row) -> Section:
    if not scores:
        return Section("Before and after", ("Not scored yet: `videopasta run` scores it on the benchmarks.",))
    old = any(score["adapter_hash"] != row["adapter_hash"] for score in scores)
    rows: list[tuple[Any, ...]] = []
    marked = set()
    for benchmark in dict.fromkeys(score["benchmark"] for score in scores):
        own = [score for score in scores if score["benchmark"] == benchmark]
        rows += [
            (
                benchmark,
                score["mode"],
                score["items"],
                percent(score["base_accuracy"]),
                percent(score["tuned_accuracy"]),
                points(score["difference"]),
                _interval(score),
                percent(score["tuned_parse_rate"]),
            )
            for score in sorted(own, key=lambda score: (score["mode"] == "all", score["mode"]))
        ]
        theirs = paper.score_of(benchmark)
        if theirs is not None:
            marked.add(len(rows))
            rows.append((benchmark, paper.NAME, None, *_theirs(theirs), None, None))
    known = [
        (
            f"{score['benchmark']}, {score['mode']}",
            score["difference"],
            score["difference_low"],
            score["difference_high"],
        )
        for score in scores
        if score["difference"] is not None
    ]
    reference = [(name, *_theirs(pair)) for name, pair in paper.SCORES.items()]
    return Section(
        "Before and after",
        (
            "Base and tuned model on held-out questions; intervals come from a paired bootstrap over videos.",
            *(("Some of these scores are of an adapter that has been replaced since.",) if old else ()),
            f"The second table is {paper.NAME}, table 1: Qwen2.5-VL before and after, in percent, on its benchmarks.",
        ),
        Plot(figures.differences(known), "Differences of accuracy with their intervals") if known else None,
        (
            Table(
                ("benchmark", "mode", "items", "before", "after", "difference", "95 % interval", "replies parsed"),
                rows,
                frozenset(marked),
            ),
            Table((paper.NAME, "before", "after", "difference"), reference, frozenset(range(len(reference)))),
        ),
    )


def _pairs(project: Project, row: Row) -> Section:
    current = preference_set.current(project)
    members = current.members if current else ()
    counts = Counter((member["query_category"], member["adv_mode"]) for member in members)
    categories = list(dict.fromkeys(category for own in CATEGORIES.values() for category in own))
    rows = [
        (category.replace("_", " "), *(counts[category, mode] for mode in MODES))
        for category in categories
        if any(counts[category, mode] for mode in MODES)
    ]
    trained = f"{len(members):,} pairs; {row['pairs']:,} are trained on. Questions by category, adversaries by mode."
    columns = ("category of the question", *(mode.value for mode in MODES))
    return Section("The preference set", (trained,), None, (Table(columns, rows),))


def _settings(row: Row) -> Section:
    settings = json.loads(row["settings"])
    return Section(
        "Settings", tables=(Table(("setting", "value"), [(name, _value(settings[name])) for name in settings]),)
    )


def _is_current(project: Project, row: Row) -> bool:
    rows = project.lake.rows(project.address("preference_set", preference_set.ALL))
    return bool(rows) and bool(rows[0]["preference_set"] == row["preference_set"])


def _interval(score: Row) -> str | None:
    low, high = score["difference_low"], score["difference_high"]
    return None if low is None or high is None else f"{points(low)} to {points(high)}"


def _theirs(pair: tuple[float, float]) -> tuple[str, str, str]:
    before, after = pair
    return f"{before:.1f} %", f"{after:.1f} %", f"{after - before:+.1f}"


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _value(value: Any) -> str:
    return json.dumps(value) if isinstance(value, dict | list) else str(value)
