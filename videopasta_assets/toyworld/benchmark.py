"""Held-out multiple-choice questions about toyworld videos.

Items are balanced: categories take turns, and within a category the answer's class that has come up least is taken, so
a model that does not look gains nothing from the question's wording.
"""

import json
import random
from collections import Counter, defaultdict
from pathlib import Path

from videopasta_assets.toyworld.folder import prepare_folders, video_id, write_folder
from videopasta_assets.toyworld.options import four_options
from videopasta_assets.toyworld.questions import MODE_OF, Question, candidates
from videopasta_assets.toyworld.scene import Scene
from videopasta_assets.toyworld.splits import scenes

__all__ = ["Balance", "four_options", "write_benchmark"]


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
            if four_options(scene, question, random.Random(0)) is not None
        ]
        for label, _ in found:
            self._labels[category][label] += 0
        return found
