"""Difficulty of pairs: text, video and group score (TimeWarp, table 3; Vinoground).

A pair is one question about two videos, whose right answers differ. Text: on each video its own answer is likelier.
Video: for each answer its own video makes it likelier. Group: both. Nothing is generated: the answers' likelihoods on
both videos decide, so that the score does not hang on how a model words a choice.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from videopasta_assets.analyses.plots import Point, bars
from videopasta_assets.analyses.result import Analysis, Measured
from videopasta_assets.engines import Engine, Request
from videopasta_assets.errors import UserError, VideoPastaError
from videopasta_assets.evaluation import BenchmarkItem
from videopasta_assets.evaluation.references import TIMEWARP, reference_scores
from videopasta_assets.hashing import stable_hash
from videopasta_assets.reports.document import Plot, Report, Section, Table
from videopasta_assets.stages.benchmark_answers import clip_of, question_prompt
from videopasta_assets.stages.benchmark_items import benchmark_named, find_video, items_of, published
from videopasta_assets.stages.lora_checkpoint import adapter_of
from videopasta_assets.stages.project import Engines, Project, decoding

NAME: Final = "difficulty"
TITLE: Final = "How hard pairs are: text, video and group score"
MOST: Final = 200
"""Pairs of a benchmark that are measured, a seeded draw."""

CHANCE: Final = {"text": 0.25, "video": 0.25, "group": 1 / 6}
"""What four independent random likelihoods get. The paper's table says 12.5 % for the group score."""

_SAMPLES: Final = 2000


@dataclass(frozen=True)
class Contrast:
    """One question about two videos: `first` and `second` are its items, whose right answers differ."""

    first: BenchmarkItem
    second: BenchmarkItem

    @property
    def answers(self) -> tuple[str, str]:
        """The right answers on the first and the second video."""
        return (
            self.first.options[self.first.answer_index],
            self.second.options[self.second.answer_index],
        )


def contrasts(items: Sequence[BenchmarkItem], seed: int) -> list[Contrast]:
    """Pairs of items that ask the same of different videos, with different answers; an item is in one pair at most."""
    asked: dict[tuple[str, str], list[BenchmarkItem]] = defaultdict(list)
    for item in items:
        if item.form == "choice" and not item.flaw:
            # TimeWar names its pairs; elsewhere equal questions about different videos are one.
            asked[item.question, item.group if "variant" in dict(item.facets) else ""].append(item)
    found = []
    for same in asked.values():
        left = sorted(same, key=lambda item: stable_hash(seed, item.item_id))
        while left:
            first = left.pop(0)
            other = next((item for item in left if _differ(first, item)), None)
            if other is not None:
                left.remove(other)
                found.append(Contrast(first, other))
    return sorted(found, key=lambda pair: stable_hash(seed, pair.first.item_id))[:MOST]


def _differ(first: BenchmarkItem, second: BenchmarkItem) -> bool:
    answers = Contrast(first, second).answers
    return first.video != second.video and answers[0].casefold() != answers[1].casefold()


def analyse(project: Project, engines: Engines) -> Analysis:
    """The base model and every trained experiment, on the contrasts of every benchmark that has some.

    Raises:
        UserError: no benchmark asks one question of two videos, or the responder's engine gives no likelihoods.
    """
    found = {
        b.name: pairs
        for b in project.settings.evaluation.benchmarks
        if (pairs := contrasts(items_of(project, b.name), project.settings.seed))
    }
    if not found:
        raise UserError(
            "no benchmark asks the same question about two videos",
            where=str(project.settings.root),
            fix="TimeWar does, and toyworld's with more videos.",
        )
    models: list[tuple[str, Path | None]] = [("base", None)]
    for experiment in project.settings.experiments:
        if (adapter := adapter_of(project, experiment.name)) is not None:
            models.append((experiment.name, adapter[0]))
    measured = [
        one
        for name, pairs in found.items()
        for model, folder in models
        for one in scores(model, name, list(_right(project, name, pairs, engines.engine("responder"), folder)))
    ]
    parts = list(CHANCE)
    series: dict[str, list[Point | None]] = {}
    rows = []
    for name in found:
        for model, _ in models:
            by_part = {one.scope: one for one in measured if (one.cell, one.benchmark) == (model, name)}
            series[f"{model}, {name}"] = [_point(by_part[part]) for part in parts]
            rows.append((model, name, by_part["text"].items, *(by_part[part].percent for part in parts)))
    rows.append(("by chance", None, None, *(f"{100 * CHANCE[part]:.1f}" for part in parts)))
    note = "Of pairs of videos with one question and different answers; intervals are a bootstrap over pairs."
    plot = Plot(bars(parts, series, "% right"), "text, video and group score by model")
    ours = Section("Ours", (note,), plot, (Table(("model", "benchmark", "pairs", *parts), rows),))
    return Analysis(
        NAME,
        measured,
        Report(TITLE, "One question about two videos, whose right answers differ.", (), (ours, _papers())),
    )


def scores(model: str, benchmark: str, right: Sequence[tuple[bool, bool]]) -> list[Measured]:
    """Text, video and group score of (text, video) judgements; the group is never above either.

    Raises:
        UserError: there is none.
    """
    if not right:
        raise UserError(f"no pair of benchmark {benchmark!r} could be measured: its videos cannot be read")
    text, video = (np.array([judged[place] for judged in right]) for place in (0, 1))
    drawn = np.random.default_rng(0).integers(0, len(right), size=(_SAMPLES, len(right)))
    found = []
    for part, values in (("text", text), ("video", video), ("group", text & video)):
        low, high = np.quantile(values[drawn].mean(axis=1), (0.025, 0.975))
        value = float(values.mean())
        found.append(Measured(model, benchmark, part, "score", value, float(low), float(high), len(right)))
    return found


def _right(
    project: Project, benchmark: str, pairs: Sequence[Contrast], engine: Engine, adapter: Path | None
) -> Iterator[tuple[bool, bool]]:
    settings = benchmark_named(project, benchmark)
    folder, inside = project.benchmark_folder(settings), published(settings)
    requests: list[Request] = []
    for number, pair in enumerate(pairs):
        for side, item in enumerate((pair.first, pair.second)):
            try:
                clip = clip_of(
                    project, settings, item, find_video(folder, item.video, inside.video_folders if inside else ())
                )
            except VideoPastaError:  # the pair is left out: its other half would be compared with nothing
                continue
            prompt = question_prompt(project, item, clip.plan.duration)
            how = decoding(project.settings.evaluation.decoding)
            where = None if adapter is None else str(adapter)
            requests.append(Request(f"{number}:{side}", prompt, clip, how, adapter=where, candidates=pair.answers))
    requests.sort(key=lambda request: request.clip.key if request.clip else "")
    log_probs: dict[str, tuple[float, ...]] = {}
    for reply in engine.generate(requests):
        if reply.error is None and reply.log_probs:
            log_probs[reply.request_id] = reply.log_probs
        elif reply.error is not None:
            raise VideoPastaError(f"the responder cannot say how likely answers are: {reply.error}")
    for number in range(len(pairs)):
        first, second = log_probs.get(f"{number}:0"), log_probs.get(f"{number}:1")
        if first is not None and second is not None:
            text = first[0] > first[1] and second[1] > second[0]
            video = first[0] > second[0] and second[1] > first[1]
            yield text, video


def _papers() -> Section:
    found = [row for row in reference_scores() if (row.paper, row.table) == (TIMEWARP, "T3")]
    models = list(dict.fromkeys(row.model for row in found))
    values = {(row.model, row.benchmark): row.value for row in found}
    rows = [(model, *(values[model, part] for part in CHANCE)) for model in models]
    note = "In percent, on TimeWarp's own pairs, as the paper reports them."
    return Section(
        f"{TIMEWARP}, table 3", (note,), tables=(Table(("model", *CHANCE), rows, frozenset(range(len(rows)))),)
    )


def _point(one: Measured) -> Point | None:
    if one.value is None or one.low is None or one.high is None:
        return None
    return Point(100 * one.value, 100 * one.low, 100 * one.high)
