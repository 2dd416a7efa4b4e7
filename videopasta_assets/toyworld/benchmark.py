"""Held-out multiple-choice questions about toyworld videos.

Items are balanced: categories take turns, and within a category the answer's class that has come up least is taken, so
a model that does not look gains nothing from the question's wording.
"""

import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Final

from videopasta_assets.toyworld.folder import prepare_folders, video_id, write_folder
from videopasta_assets.toyworld.options import QUESTION, Probe, four_options
from videopasta_assets.toyworld.questions import MODE_OF, Question, candidates
from videopasta_assets.toyworld.robustness import CONTROL, PROBES
from videopasta_assets.toyworld.scene import Scene
from videopasta_assets.toyworld.splits import scenes

ROBUSTNESS_FILE: Final = "robustness.jsonl"
"""Beside the benchmark's file: items that must be refused and their controls, scored apart."""

_REFUSED: Final = tuple(kind for kind in PROBES if not kind.endswith(CONTROL))


def write_benchmark(dest: Path, truth: Path, videos: int, items_per_video: int, seed: int, split: str) -> Path:
    """Write `dest/videos/*.mp4`, `dest/benchmark.jsonl` and `dest/robustness.jsonl`; returns the first JSONL file.

    Each line: item_id, video (relative to `dest`), video_id, kind, mode, category, question, options (4, one right),
    answer_index.
    """
    folder = dest / "videos"
    prepare_folders(folder, truth)
    paths = write_folder(folder, truth, videos, seed, split)
    lines: dict[str, list[str]] = {"benchmark.jsonl": [], ROBUSTNESS_FILE: []}
    for path, drawn in zip(paths, draw_items(split, seed, items_per_video), strict=False):
        about = {"video": str(path.relative_to(dest)), "video_id": video_id(path)}
        for number, item in enumerate(drawn):
            name = "benchmark.jsonl" if item.kind == QUESTION else ROBUSTNESS_FILE
            line = {"item_id": f"{split}-{seed}-{path.stem}-{number}", **about, **asdict(item)}
            lines[name].append(json.dumps(line))
    for name, written in lines.items():
        (dest / name).write_text("".join(f"{line}\n" for line in written))
    return dest / "benchmark.jsonl"


def draw_items(split: str, seed: int, items_per_video: int) -> Iterator[list[Probe]]:
    """The items of each scene of a split, without an end: plain questions, then each kind of probe with its control."""
    balance, probed = Balance(), Balance()
    for scene, _ in scenes(split, seed):
        rng = random.Random(f"items:{split}:{seed}:{scene.identity}")
        drawn = []
        for question in balance.draw(scene, items_per_video, rng):
            found = _options(scene, question)
            if found is not None:
                options, answer = found
                text = question.text
                drawn.append(Probe(QUESTION, question.mode, question.category, text, tuple(options), answer))
        yield [*drawn, *_probes(scene, probed.draw(scene, len(MODE_OF) // 3, rng), rng)]


def _options(scene: Scene, question: Question) -> tuple[list[str], int] | None:
    """The same options whenever they are asked for: which questions have any is a draw."""
    return four_options(scene, question, random.Random(f"options:{scene.identity}:{question.text}"))


def _probes(scene: Scene, questions: list[Question], rng: random.Random) -> Iterator[Probe]:
    """One probe of each kind with its control, both from the same question: the first that allows it."""
    for kind in _REFUSED:
        for question in questions:
            pair = [PROBES[name](scene, question, rng) for name in (kind, f"{kind}{CONTROL}")]
            if None not in pair:
                yield from (probe for probe in pair if probe is not None)
                questions = [other for other in questions if other is not question]
                break


class Balance:
    """Draws questions so that categories, and the answer classes within each, stay even.

    Args:
        choices: only questions that have four options.
    """

    def __init__(self, choices: bool = True) -> None:
        self._choices = choices
        self._categories: Counter[str] = Counter()
        self._labels: dict[str, Counter[str]] = defaultdict(Counter)

    def draw(self, scene: Scene, count: int, rng: random.Random) -> list[Question]:
        """`count` different questions (fewer where the scene has not so many).

        A class that is ahead of its category's rarest one waits for a later scene; it is taken all the same where
        nothing else is left, unless it is far ahead.
        """
        drawn: list[Question] = []
        offers = {category: self._offers(scene, category) for category in MODE_OF}
        for patient in (True, False):
            for _ in range(count - len(drawn)):
                for category in sorted(MODE_OF, key=lambda name: (self._categories[name], rng.random())):
                    counts = self._labels[category]
                    rarest = min(counts.values(), default=0)
                    limit = rarest + 1 if patient else max(rarest + 3, int(1.2 * rarest))
                    found = [(label, q) for label, q in offers[category] if counts[label] <= limit and q not in drawn]
                    if found:
                        fewest = min(counts[label] for label, _ in found)
                        label, question = rng.choice([f for f in found if counts[f[0]] == fewest])
                        counts[label] += 1
                        self._categories[category] += 1
                        drawn.append(question)
                        break
        return drawn

    def _offers(self, scene: Scene, category: str) -> list[tuple[str, Question]]:
        found = [
            (label, question)
            for label, question in candidates(scene, category)
            if not self._choices or _options(scene, question) is not None
        ]
        for label, _ in found:
            self._labels[category][label] += 0
        return found
