import json
import random
from collections import Counter
from itertools import islice
from pathlib import Path

from videopasta_assets.toyworld.benchmark import Balance, write_benchmark
from videopasta_assets.toyworld.claims import parse_sentence
from videopasta_assets.toyworld.facts import holds
from videopasta_assets.toyworld.folder import read_truth
from videopasta_assets.toyworld.questions import MODE_OF, candidates
from videopasta_assets.toyworld.splits import scenes


def test_items_keep_the_contract_and_have_one_true_option(tmp_path: Path) -> None:
    target = write_benchmark(tmp_path / "bench", tmp_path / "truth", 3, 6, 0, "benchmark")
    items = [json.loads(line) for line in target.read_text().splitlines()]
    assert len(items) == 18
    assert len({item["item_id"] for item in items}) == 18
    for item in items:
        assert (target.parent / item["video"]).is_file()
        assert MODE_OF[item["category"]] == item["mode"]
        scene = read_truth(tmp_path / "truth", item["video_id"])
        assert scene is not None
        assert len(set(item["options"])) == 4
        parsed = [parse_sentence(option) for option in item["options"]]
        true = [sentence is not None and holds(sentence.core, scene) for sentence in parsed]
        assert true == [index == item["answer_index"] for index in range(4)]


def test_questions_are_balanced_over_categories_and_answers() -> None:
    balance = Balance()
    drawn: Counter[str] = Counter()
    labels: Counter[tuple[str, str]] = Counter()
    for scene, _ in islice(scenes("validation", 2), 120):
        for question in balance.draw(scene, 5, random.Random(0)):
            drawn[question.category] += 1
            label = next(name for name, other in candidates(scene, question.category) if other == question)
            labels[question.category, label] += 1
    scarce = drawn.pop("causality")  # few of its options are as likely as the true one
    assert scarce > 12
    assert max(drawn.values()) - min(drawn.values()) <= 8
    for category in ("event_ordering", "causality", "concurrent_actions", "setting_change", "foreshadowing"):
        counts = [n for (name, _), n in labels.items() if name == category]
        assert max(counts) <= 1.5 * min(counts)
