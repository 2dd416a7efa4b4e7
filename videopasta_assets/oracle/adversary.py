"""Whether an adversary is false in the way that it was meant to be."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from videopasta_assets.oracle.truth import Judgement, SceneLibrary, Truth, judge_answer
from videopasta_assets.taxonomy import FailureMode
from videopasta_assets.toyworld.scene import Scene


@dataclass(frozen=True)
class AdversaryJudgement:
    """An adversary against the scene: `on_target` is false in its mode; `only_target` is false in no other."""

    judgement: Judgement
    on_target: bool
    only_target: bool


@dataclass(frozen=True)
class PairJudgement:
    """A preference pair against the scene; `good` is what training wants: chosen true, rejected false on target."""

    aligned: Judgement
    adversary: AdversaryJudgement

    @property
    def good(self) -> bool:
        return self.aligned.truth is Truth.TRUE and self.adversary.on_target


def judge_adversary(scene: Scene, query: str, text: str, mode: FailureMode | str) -> AdversaryJudgement:
    """Judge an adversary whose target is `mode`."""
    judgement = judge_answer(scene, query, text)
    target = FailureMode(mode)
    return AdversaryJudgement(judgement, target in judgement.broken, judgement.broken == {target})


def judge_pair(scene: Scene, query: str, chosen: str, rejected: str, mode: FailureMode | str) -> PairJudgement:
    return PairJudgement(judge_answer(scene, query, chosen), judge_adversary(scene, query, rejected, mode))


def judged_pairs(pairs: pa.Table, scenes: SceneLibrary) -> Iterator[tuple[dict[str, str], PairJudgement]]:
    """Judge rows with `video_id, query, chosen, rejected, adv_mode, adv_strategy`; unknown videos are skipped."""
    columns = ["video_id", "query", "chosen", "rejected", "adv_mode", "adv_strategy"]
    for row in pairs.select(columns).to_pylist():
        scene = scenes[row["video_id"]]
        if scene is not None and row["chosen"] is not None and row["rejected"] is not None:
            yield row, judge_pair(scene, row["query"], row["chosen"], row["rejected"], row["adv_mode"])


def summarize_pairs(pairs: pa.Table, scenes: SceneLibrary, by: tuple[str, ...] = ("adv_mode",)) -> pa.Table:
    """Shares by the `by` columns: `pairs, chosen_true, rejected_false, on_target, only_target, good, unknown`."""
    cells: dict[tuple[str, ...], list[PairJudgement]] = {}
    for row, judged in judged_pairs(pairs, scenes):
        cells.setdefault(tuple(row[name] for name in by), []).append(judged)
    rows: list[Mapping[str, object]] = []
    for key in sorted(cells):
        judged_cell = cells[key]
        count = len(judged_cell)
        rows.append(
            dict(zip(by, key, strict=True))
            | {
                "pairs": count,
                "chosen_true": sum(j.aligned.truth is Truth.TRUE for j in judged_cell) / count,
                "rejected_false": sum(j.adversary.judgement.truth is Truth.FALSE for j in judged_cell) / count,
                "on_target": sum(j.adversary.on_target for j in judged_cell) / count,
                "only_target": sum(j.adversary.only_target for j in judged_cell) / count,
                "good": sum(j.good for j in judged_cell) / count,
                "unknown": sum(j.adversary.judgement.truth is Truth.UNKNOWN for j in judged_cell) / count,
            }
        )
    names = ("pairs", "chosen_true", "rejected_false", "on_target", "only_target", "good", "unknown")
    return pa.Table.from_pylist(rows) if rows else pa.table({name: [] for name in (*by, *names)})
