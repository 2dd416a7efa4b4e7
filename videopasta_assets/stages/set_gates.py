"""The gates between a preference set and training: what must not be in the pairs that a model learns from.

Each gate looks at all pairs and says, in one sentence, what is wrong and what to do about it, with the numbers that it
looked at. Thresholds are the project's (`gates`). Why each: equal answers hold no preference; DPO learns length where
length tells the chosen answer (Park et al., arXiv 2403.19159); a benchmark whose videos were trained on measures
memory; Eq. 3 averages over failure modes, which must all be there; adversarial instructions belong to generation alone.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from videopasta_assets.config.settings import ExperimentSettings
from videopasta_assets.errors import UserError
from videopasta_assets.lake import Row
from videopasta_assets.lake.shards import list_shards
from videopasta_assets.stages import preference_set
from videopasta_assets.stages.fingerprints import VideoPrints, prints_of_benchmark, prints_of_members
from videopasta_assets.stages.pair_integrity import broken_pairs, leaked_instructions
from videopasta_assets.stages.project import Project, good_rows
from videopasta_assets.stages.recipes import recipe_of
from videopasta_assets.stages.training_set import training_set, with_recipe
from videopasta_assets.taxonomy import MODES, FailureMode
from videopasta_assets.video.fingerprint import similarity

_NORMAL_95: Final = 1.96


@dataclass(frozen=True)
class GateReport:
    """What a gate found.

    Attributes:
        passed: training may go on.
        sentence: what is wrong and what to do; of a gate that passed, what it saw.
        figures: the numbers behind it.
    """

    passed: bool
    sentence: str
    figures: Mapping[str, float]


def blocked(project: Project, experiment: ExperimentSettings) -> str | None:
    """Why the experiment must not be trained now; None when all gates are open or there is nothing to train on.

    Baselines draw from what the verifier saw, not from the preference set: they may be as bad as they are, but not
    lack their videos, nor know a benchmark's.
    """
    chosen = training_set(project, experiment)
    if chosen is None:
        return None
    pairs = chosen.members
    reports = [videos_present(project, pairs), held_out(project, pairs)]
    if experiment.pairs == "verified":
        gone = len(project.lake.rows(project.address("preference_set", preference_set.ALL))) - len(members(project))
        reports += [
            sound(pairs, gone),
            instruction_free(project, pairs),
            answers_differ(pairs, project.settings.gates.compared_words),
            lengths_alike(pairs, project.settings.gates.max_length_ratio),
            modes_balanced(pairs, wanted_modes(project, experiment), project.settings.gates.min_mode_share),
        ]
    return next((report.sentence for report in reports if not report.passed), None)


def members(project: Project) -> tuple[Row, ...]:
    """The preference set's pairs with their texts, those that are still as they were."""
    current = preference_set.current(project)
    return current.members if current else ()


def wanted_modes(project: Project, experiment: ExperimentSettings | None = None) -> tuple[FailureMode, ...]:
    """Modes that the set must have: those that the recipe asks about and that the experiment (or any) trains on."""
    asked = project.settings.recipe.queries_by_mode
    lines = [experiment] if experiment else [line for line in project.settings.experiments if line.pairs == "verified"]
    trained = {mode for line in lines for mode in line.modes}
    return tuple(mode for mode in MODES if mode in trained and (asked is None or asked.get(mode, 0) > 0))


def videos_present(project: Project, pairs: Sequence[Row]) -> GateReport:
    """No pair has lost its video."""
    present = {
        row["video_id"]
        for shard in list_shards(project.lake)
        for row in good_rows(project, "videos", shard)
        if row["present"]
    }
    lost = [pair for pair in pairs if pair["video_id"] not in present]
    sentence = f"{len(pairs)} pairs have their videos"
    if lost:
        sentence = (
            f"pair {lost[0]['pair_id']}{_and_more(len(lost))} lost its video; put the file back, or run "
            "`videopasta run --no-train` so that its pairs leave the set"
        )
    return GateReport(not lost, sentence, {"pairs": len(pairs), "without video": len(lost)})


def sound(pairs: Sequence[Row], gone: int) -> GateReport:
    """Members exist, are unique and complete, and never reject what they choose."""
    defects = broken_pairs(pairs)
    if gone:
        defects.insert(0, f"{gone} members have changed or gone since the set was made")
    sentence = f"{len(pairs)} pairs are sound"
    if defects:
        more = f", and {len(defects) - 1} more defects" if len(defects) > 1 else ""
        sentence = f"{defects[0]}{more}; run `videopasta run --no-train` to make the set again"
    return GateReport(not defects, sentence, {"pairs": len(pairs), "defects": len(defects)})


def instruction_free(project: Project, pairs: Sequence[Row]) -> GateReport:
    """No line of an adversarial instruction is in a text that training reads; each recipe of a mixture has its own."""
    by_recipe: dict[str, list[Row]] = {}
    for pair in pairs:
        by_recipe.setdefault(str(pair.get("pair_recipe") or project.recipe), []).append(pair)
    prompts = project.prompts("responder")
    leaks = [
        leak
        for name, own in by_recipe.items()
        for leak in leaked_instructions(own, prompts, recipe_of(with_recipe(project, name)).instruction)
    ]
    sentence = f"no adversarial instruction in {len(pairs)} pairs"
    if leaks:
        sentence = f"{leaks[0]}{_and_more(len(leaks))}; reject it in the pair browser, or mend the template and rerun"
    return GateReport(not leaks, sentence, {"pairs": len(pairs), "leaks": len(leaks)})


def answers_differ(pairs: Sequence[Row], compared_words: int) -> GateReport:
    """Chosen and rejected differ within the words that a trainer keeps."""

    def kept(text: str) -> list[str]:
        return text.casefold().split()[:compared_words]

    equal = [pair for pair in pairs if kept(pair["chosen"]) == kept(pair["rejected"])]
    sentence = f"the answers of {len(pairs)} pairs differ within {compared_words} words"
    if equal:
        sentence = (
            f"the answers of pair {equal[0]['pair_id']}{_and_more(len(equal))} are the same in their first "
            f"{compared_words} words; shorten answers (decoding.max_new_tokens) or raise gates.compared_words"
        )
    return GateReport(not equal, sentence, {"pairs": len(pairs), "equal when cut": len(equal)})


def lengths_alike(pairs: Sequence[Row], max_ratio: float) -> GateReport:
    """Neither side is much longer than the other on average, as far as so many pairs can tell.

    The ratio is the geometric mean over pairs of (words chosen / words rejected); the gate closes when its whole 95 %
    interval lies beyond the allowed ratio. Also told: how often the longer answer is the chosen one (ties half).
    """
    words = np.array([[max(1, len(pair[side].split())) for side in ("chosen", "rejected")] for pair in pairs], float)
    if not len(words):
        return GateReport(True, "no pairs", {"pairs": 0})
    logs = np.log(words[:, 0] / words[:, 1])
    error = float(logs.std(ddof=1)) / math.sqrt(len(logs)) if len(logs) > 1 else math.inf
    mean = float(logs.mean())
    longer = float((words[:, 0] > words[:, 1]).mean() + 0.5 * (words[:, 0] == words[:, 1]).mean())
    figures = {
        "pairs": len(pairs),
        "words chosen": float(words[:, 0].mean()),
        "words rejected": float(words[:, 1].mean()),
        "length ratio": math.exp(mean),
        "longer is chosen": longer,
    }
    passed = abs(mean) - _NORMAL_95 * error <= math.log(max_ratio)
    side, ratio = ("chosen", math.exp(mean)) if mean >= 0 else ("rejected", math.exp(-mean))
    sentence = (
        f"the {side} answers are {ratio:.2f} times as long; the longer answer is the chosen one in {longer:.0%} of "
        f"{len(pairs)} pairs"
    )
    if not passed:
        sentence += f" (allowed: {max_ratio:g} times): length alone would be learnt; see gates.max_length_ratio"
    return GateReport(passed, sentence, figures)


def modes_balanced(pairs: Sequence[Row], modes: Sequence[FailureMode], min_share: float) -> GateReport:
    """Each failure mode that is trained on has pairs enough."""
    counts = Counter(pair["adv_mode"] for pair in pairs)
    total = sum(counts[mode] for mode in modes)
    shares = {mode: counts[mode] / total if total else 0.0 for mode in modes}
    scarce = [mode for mode in modes if shares[mode] < min_share]
    sentence = ", ".join(f"{mode} {counts[mode]}" for mode in modes)
    if scarce:
        sentence = (
            f"{scarce[0]} has {counts[scarce[0]]} of {total} pairs, at least {min_share:.0%} are wanted; make more of "
            "them, leave the mode out of experiments.modes, or lower gates.min_mode_share"
        )
    return GateReport(not scarce, sentence, {"pairs": total, **{f"share {mode}": shares[mode] for mode in modes}})


def held_out(project: Project, pairs: Sequence[Row]) -> GateReport:
    """No pair is about a benchmark's video: not the same file, and not a copy of it in other bytes."""
    if not pairs:
        return GateReport(True, "no pairs", {"videos": 0})
    limit = project.settings.gates.max_similarity
    trained = prints_of_members(project, pairs)
    figures: dict[str, float] = {"videos": len(trained.ids)}
    found: list[str] = []
    unseen = []
    highest = 0.0
    for benchmark in project.settings.evaluation.benchmarks:
        try:
            tested = prints_of_benchmark(project, benchmark.name)
        except UserError:  # its files are not there: it cannot be scored on either
            unseen.append(benchmark.name)
            continue
        figures[f"videos of {benchmark.name}"] = len(tested.ids)
        alike = similarity(trained.pictures, tested.pictures)
        highest = max(highest, float(alike.max(initial=0.0)))
        found += _shared_videos(trained, tested, benchmark.name) + _copies(
            trained, tested, alike, limit, benchmark.name
        )
    sentence = f"{len(trained.ids)} videos, none of a benchmark; the most alike correlate {highest:.2f}"
    if unseen:
        sentence += f"; not compared with {', '.join(unseen)}, whose files are not there"
    if found:
        sentence = (
            f"{found[0]}{_and_more(len(found))}; take it out of the video folder or out of the benchmark "
            "(gates.max_similarity says what is a copy)"
        )
    return GateReport(not found, sentence, {**figures, "contaminated": len(found), "highest similarity": highest})


def _shared_videos(trained: VideoPrints, tested: VideoPrints, benchmark: str) -> list[str]:
    names = {identity: name for identity, name in zip(tested.ids, tested.names, strict=True) if identity}
    return [f"video {video[:12]} is {names[video]} of benchmark {benchmark}" for video in trained.ids if video in names]


def _copies(
    trained: VideoPrints, tested: VideoPrints, alike: NDArray[np.float32], limit: float, benchmark: str
) -> list[str]:
    if limit >= 1:
        return []
    return [
        f"video {trained.ids[row][:12]} looks like {tested.names[column]} of benchmark {benchmark} "
        f"(correlation {alike[row, column]:.2f})"
        for row, column in np.argwhere(alike > limit).tolist()
        if trained.ids[row] != tested.ids[column]
    ]


def _and_more(count: int) -> str:
    return f" (and {count - 1} more)" if count > 1 else ""
