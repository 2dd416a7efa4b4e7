"""Held-out multiple-choice questions about toyworld videos.

Items are balanced: categories take turns, and within a category the answer's class that has come up least is taken, so
a model that does not look gains nothing from the question's wording.
"""

import json
import random
from collections import Counter, defaultdict
from pathlib import Path

from videopasta_assets.toyworld.claims import Sentence
from videopasta_assets.toyworld.falsify import wrong_claims
from videopasta_assets.toyworld.folder import prepare_folders, video_id, write_folder
from videopasta_assets.toyworld.questions import MODE_OF, Question, candidates
from videopasta_assets.toyworld.scene import Scene
from videopasta_assets.toyworld.splits import scenes

OPTIONS = 4


def write_benchmark(dest: Path, truth: Path, videos: int, items_per_video: int, seed: int, split: str) -> Path:
    """Write `dest/videos/*.mp4` and `dest/benchmark.jsonl`; returns the latter.

    Each line: item_id, video (relative to `dest`), video_id, mode, category, question, options (4, one true),
    answer_index.
    """
    folder = dest / "videos"
    prepare_folders(folder, truth)
    paths = write_folder(folder, truth, videos, seed, split)
    balance = Balance()
    target = dest / "benchmark.jsonl"
    lines = []
    for path, (scene, _) in zip(paths, scenes(split, seed), strict=False):
        identifier = video_id(path)
        rng = random.Random(f"items:{split}:{seed}:{scene.identity}")
        for number, question in enumerate(balance.draw(scene, items_per_video, rng)):
            found = four_options(scene, question, rng)
            if found is None:
                continue
            options, answer = found
            item = {
                "item_id": f"{split}-{seed}-{path.stem}-{number}",
                "video": str(path.relative_to(dest)),
                "video_id": identifier,
                "mode": str(question.mode),
                "category": question.category,
                "question": question.text,
                "options": options,
                "answer_index": answer,
            }
            lines.append(json.dumps(item))
    target.write_text("\n".join(lines) + "\n")
    return target


class Balance:
    """Draws questions so that categories, and the answer classes within each, stay even."""

    def __init__(self) -> None:
        self._categories: Counter[str] = Counter()
        self._labels: dict[str, Counter[str]] = defaultdict(Counter)

    def draw(self, scene: Scene, count: int, rng: random.Random) -> list[Question]:
        """`count` different questions (fewer where the scene has not so many).

        A class that is ahead of its category's rarest one waits for a later scene, unless nothing else is left.
        """
        drawn: list[Question] = []
        offers = {category: self._offers(scene, category) for category in MODE_OF}
        for patient in (True, False):
            for _ in range(count - len(drawn)):
                for category in sorted(MODE_OF, key=lambda name: (self._categories[name], rng.random())):
                    counts = self._labels[category]
                    limit = min(counts.values(), default=0) + 1 if patient else max(counts.values(), default=0)
                    found = [(label, q) for label, q in offers[category] if counts[label] <= limit and q not in drawn]
                    if found:
                        rarest = min(counts[label] for label, _ in found)
                        label, question = rng.choice([f for f in found if counts[f[0]] == rarest])
                        counts[label] += 1
                        self._categories[category] += 1
                        drawn.append(question)
                        break
        return drawn

    def _offers(self, scene: Scene, category: str) -> list[tuple[str, Question]]:
        found = [
            (label, question)
            for label, question in candidates(scene, category)
            if four_options(scene, question, random.Random(0)) is not None
        ]
        for label, _ in found:
            self._labels[category][label] += 0
        return found


def four_options(scene: Scene, question: Question, rng: random.Random) -> tuple[list[str], int] | None:
    """Four distinct options of which exactly one is true, shuffled, and its index; None where too few are plausible."""
    wrong = wrong_claims(scene, question.answer, rng)[: OPTIONS - 1]
    if len(wrong) < OPTIONS - 1:
        return None
    index = rng.randrange(OPTIONS)
    options = [Sentence(option).text for option in wrong]
    options.insert(index, Sentence(question.answer).text)
    return options, index
