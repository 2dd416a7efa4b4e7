"""How good the embedded model is, on held-out MP4 files, through the engine that the pipeline uses.

    python -m videopasta_assets.embedded.accuracy --videos 40 --seed 1 --split validation

Its blind copy is the same model asked without the video, or with another video, whichever is better.
"""

import argparse
import json
import random
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from videopasta_assets.embedded import MODEL_DIR
from videopasta_assets.embedded.architecture import DENSE_FRAMES
from videopasta_assets.engines.protocol import Decoding, Engine, Request
from videopasta_assets.engines.transformers_engine import TransformersEngine
from videopasta_assets.oracle.adversary import judge_adversary
from videopasta_assets.oracle.truth import Judgement, Truth, judge_answer, match_question
from videopasta_assets.oracle.verifier import Attempt, VerifierScore, confusion, score_by_text, score_by_truth
from videopasta_assets.prompts import Prompt
from videopasta_assets.prompts.library import PromptLibrary
from videopasta_assets.recipes.targeting import parse_mode_judgement
from videopasta_assets.recipes.verdict import parse_verdict, verdict_status
from videopasta_assets.taxonomy import MODES, STRATEGIES, FailureMode
from videopasta_assets.toyworld.benchmark import Balance
from videopasta_assets.toyworld.contrast import contradicted_modes, salient_mode
from videopasta_assets.toyworld.folder import write_folder
from videopasta_assets.toyworld.options import four_options
from videopasta_assets.toyworld.questions import MODE_OF, Question
from videopasta_assets.toyworld.scene import Scene
from videopasta_assets.toyworld.splits import scenes
from videopasta_assets.video.clip import Clip
from videopasta_assets.video.plan import SamplingSpec, plan_frames
from videopasta_assets.video.probe import probe
from videopasta_assets.video.reader import get_reader

SPARSE_FRAMES: Final = 3


@dataclass(frozen=True)
class HeldOut:
    """One held-out video with its truth, its dense and sparse clips, and balanced questions about it."""

    scene: Scene
    dense: Clip
    sparse: Clip
    questions: tuple[Question, ...]


class Examiner:
    """Asks a model about held-out videos and scores what it says."""

    def __init__(self, engine: Engine, held_out: list[HeldOut], seed: int) -> None:
        self._engine = engine
        self._videos = held_out
        self._prompts = PromptLibrary("compact")
        self._rng = random.Random(seed)

    def ask(self, asked: Iterable[tuple[Clip | None, Prompt]], tokens: int) -> list[str]:
        requests = [
            Request(str(i), prompt, clip, Decoding(max_new_tokens=tokens), seed=i)
            for i, (clip, prompt) in enumerate(asked)
        ]
        replies = {reply.request_id: reply.text for reply in self._engine.generate(requests)}
        return [replies[request.request_id].strip() for request in requests]

    def answers(self, view: str) -> list[tuple[HeldOut, Question, str, Judgement]]:
        """Aligned answers to every question; `view` is video, none, or other (another video)."""
        asked: list[tuple[HeldOut, Question, Clip | None, Prompt]] = []
        for index, video in enumerate(self._videos):
            other = self._videos[(index + 1) % len(self._videos)]
            clip = {"video": video.dense, "other": other.dense, "none": None}[view]
            for question in video.questions:
                prompt = self._prompts.render(
                    f"aligned/{question.mode}",
                    mode=question.mode,
                    category=question.category,
                    query=question.text,
                    duration=video.scene.duration,
                )
                asked.append((video, question, clip, prompt))
        texts = self.ask(((clip, prompt) for _, _, clip, prompt in asked), 64)
        return [
            (video, question, text, judge_answer(video.scene, question.text, text))
            for (video, question, _, _), text in zip(asked, texts, strict=True)
        ]

    def choices(self, view: str) -> dict[str, float]:
        """Multiple-choice accuracy by mode."""
        rng = random.Random(0)
        asked, expected = [], []
        for index, video in enumerate(self._videos):
            other = self._videos[(index + 1) % len(self._videos)]
            clip = {"video": video.dense, "other": other.dense, "none": None}[view]
            for question in video.questions:
                found = four_options(video.scene, question, rng)
                if found is not None:
                    prompt = self._prompts.render(
                        "multiple_choice", question=question.text, options=found[0], duration=video.scene.duration
                    )
                    asked.append((clip, prompt))
                    expected.append((str(question.mode), found[0][found[1]]))
        replies = self.ask(asked, 40)
        return _shares((mode, reply == right) for (mode, right), reply in zip(expected, replies, strict=True))

    def queries(self) -> dict[str, float]:
        """Share of written questions that fit their video and are of the category asked for, by mode."""
        asked, expected = [], []
        for video in self._videos:
            for category in self._rng.sample(list(MODE_OF), 6):
                mode = MODE_OF[category]
                if category == "event_ordering" and len({thing.flash for thing in video.scene.things}) == 1:
                    continue
                prompt = self._prompts.render(
                    f"query/{mode}", mode=mode, category=category, duration=video.scene.duration, count=1
                )
                asked.append((video.dense, prompt))
                expected.append((video, mode, category))
        replies = self.ask(asked, 40)
        return _shares(
            (str(mode), match_question(video.scene, reply, mode, category) is not None)
            for (video, mode, category), reply in zip(expected, replies, strict=True)
        )

    def adversaries(self, given: list[tuple[HeldOut, Question, str, Judgement]]) -> dict[str, Any]:
        """Adversaries from sparse frames for half of the questions, and what verifier and judge make of them."""
        cases: list[tuple[HeldOut, Question, str, FailureMode, str]] = []
        for video, question, aligned, _ in given:
            mode = self._rng.choice(MODES)
            cases.append((video, question, aligned, mode, self._rng.choice(STRATEGIES[mode])))
        cases = self._rng.sample(cases, max(1, len(cases) // 2))
        texts = self.ask(
            (
                (
                    video.sparse,
                    self._prompts.render(
                        f"adversary/{mode}/{strategy}",
                        mode=mode,
                        strategy=strategy,
                        query=question.text,
                        duration=video.scene.duration,
                    ),
                )
                for video, question, _, mode, strategy in cases
            ),
            64,
        )
        judged = [
            judge_adversary(video.scene, question.text, text, mode)
            for (video, question, _, mode, _), text in zip(cases, texts, strict=True)
        ]
        checked = self.ask(
            (
                (None, self._prompts.render("verify", query=q.text, aligned=aligned, adversary=text, mode=mode))
                for (_, q, aligned, mode, _), text in zip(cases, texts, strict=True)
            ),
            96,
        )
        attempts = [
            Attempt(v.scene, q.text, aligned, text, mode, verdict_status(parse_verdict(reply), aligned, text)[0])
            for (v, q, aligned, mode, _), text, reply in zip(cases, texts, checked, strict=True)
        ]
        named = self.ask(
            (
                (None, self._prompts.render("judge_mode", query=a.query, aligned=a.aligned, adversary=a.adversary))
                for a in attempts
            ),
            8,
        )
        targeting = [
            (str(a.mode), (found := parse_mode_judgement(reply)) is not None and found.mode is a.mode)
            for a, reply in zip(attempts, named, strict=True)
        ]
        reading = [
            ((found := parse_mode_judgement(reply)) is not None and found.mode == _readable_mode(a))
            for a, reply in zip(attempts, named, strict=True)
        ]
        return {
            "on_target_by_mode": _shares((str(c[3]), j.on_target) for c, j in zip(cases, judged, strict=True)),
            "on_target_by_strategy": _shares((c[4], j.on_target) for c, j in zip(cases, judged, strict=True)),
            "unparsed": sum(j.judgement.truth is Truth.UNKNOWN for j in judged) / len(judged),
            "answers_query": sum(j.judgement.answers for j in judged) / len(judged),
            "verifier_by_text": _row(score_by_text(attempts)),
            "verifier_by_truth": _row(score_by_truth(attempts)),
            "confusion": {f"{want} -> {got}": n for (want, got), n in sorted(confusion(attempts).items())},
            "targeting": _shares(targeting),
            "judge_reads_right": sum(reading) / len(reading),
            "examples": [(c[1].text, c[4], c[2], text) for c, text in list(zip(cases, texts, strict=True))[:8]],
        }

    def examine(self) -> dict[str, Any]:
        """Everything, as one JSON-ready report."""
        seen = self.answers("video")
        report: dict[str, Any] = {"questions": len(seen)}
        for view, rows in (("video", seen), ("none", self.answers("none")), ("other", self.answers("other"))):
            report[f"main_{view}"] = _shares((str(q.mode), j.main is Truth.TRUE and j.answers) for _, q, _, j in rows)
            report[f"whole_{view}"] = _shares((str(q.mode), j.truth is Truth.TRUE and j.answers) for _, q, _, j in rows)
        report["main_by_category"] = _shares((q.category, j.main is Truth.TRUE and j.answers) for _, q, _, j in seen)
        report["broken"] = {str(mode): sum(mode in j.broken for *_, j in seen) / len(seen) for mode in MODES}
        report["unparsed"] = sum(j.unparsed > 0 for *_, j in seen) / len(seen)
        report["choice_video"] = self.choices("video")
        report["choice_none"] = self.choices("none")
        report["queries_valid"] = self.queries()
        report["adversaries"] = self.adversaries(seen)
        return report


def _readable_mode(attempt: Attempt) -> FailureMode | None:
    modes = contradicted_modes(attempt.aligned, attempt.adversary) or frozenset()
    return salient_mode(attempt.adversary, modes)


def _shares(outcomes: Iterable[tuple[str, bool]]) -> dict[str, float]:
    cells: defaultdict[str, list[bool]] = defaultdict(list)
    for name, right in outcomes:
        cells[name].append(right)
    return {name: round(sum(cell) / len(cell), 3) for name, cell in sorted(cells.items())}


def _row(score: VerifierScore) -> dict[str, Any]:
    return {
        "attempts": score.attempts,
        "accepted": score.accepted,
        "precision": None if score.precision is None else round(score.precision, 3),
        "recall": None if score.recall is None else round(score.recall, 3),
    }


def held_out(folder: Path, videos: int, per_video: int, seed: int, split: str) -> list[HeldOut]:
    """Render, index and plan `videos` videos of the split, with `per_video` balanced questions each."""
    paths = write_folder(folder / "videos", folder / "truth", videos, seed, split)
    balance = Balance(choices=False)
    result = []
    for path, (scene, rng) in zip(paths, scenes(split, seed), strict=False):
        info = probe(path, [folder])
        plans = [
            plan_frames(info, SamplingSpec("count", count, max_frames=count), role)
            for role, count in (("dense", DENSE_FRAMES), ("sparse", SPARSE_FRAMES))
        ]
        dense, sparse = (Clip(info.video_id, path, plan) for plan in plans)
        result.append(HeldOut(scene, dense, sparse, tuple(balance.draw(scene, per_video, rng))))
    return result


def examine_folder(
    model: Path, videos: int, per_video: int, seed: int, split: str, dtype: str = "auto"
) -> dict[str, Any]:
    """Examine the model in a folder on freshly rendered videos."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        engine = TransformersEngine(model, None, get_reader("auto", [folder], isolate=False), dtype=dtype)
        try:
            return Examiner(engine, held_out(folder, videos, per_video, seed, split), seed).examine()
        finally:
            engine.close()


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the embedded model on held-out videos.")
    parser.add_argument("--model", type=Path, default=MODEL_DIR)
    parser.add_argument("--videos", type=int, default=40)
    parser.add_argument("--per-video", type=int, default=12)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--split", default="validation")
    parser.add_argument("--dtype", default="auto")
    args = parser.parse_args()
    report = examine_folder(args.model, args.videos, args.per_video, args.seed, args.split, args.dtype)
    print(json.dumps(report, indent=1))  # noqa: T201 - the command's output


if __name__ == "__main__":
    main()
