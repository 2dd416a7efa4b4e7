import random
from collections import Counter
from itertools import islice

from videopasta_assets.taxonomy import FailureMode
from videopasta_assets.toyworld.claims import Claim, parse_sentence
from videopasta_assets.toyworld.facts import holds
from videopasta_assets.toyworld.options import OPTIONS, distractors, four_options
from videopasta_assets.toyworld.questions import MODE_OF, sample_question
from videopasta_assets.toyworld.scene import Scene
from videopasta_assets.toyworld.splits import scenes

Found = list[tuple[Scene, str, Claim, list[Claim]]]


def drawn(count: int = 80) -> Found:
    found: Found = []
    for scene, rng in islice(scenes("validation", 6), count):
        for category in MODE_OF:
            question = sample_question(scene, category, rng)
            if question is not None:
                wrong = distractors(scene, question.answer, rng)
                if wrong is not None:
                    found.append((scene, category, question.answer, wrong))
    return found


def test_exactly_one_of_four_distinct_options_is_true() -> None:
    for scene, rng in islice(scenes("validation", 6), 25):
        for category in MODE_OF:
            question = sample_question(scene, category, rng)
            found = four_options(scene, question, rng) if question else None
            if found is not None:
                options, index = found
                parsed = [parse_sentence(option) for option in options]
                assert len(set(options)) == OPTIONS
                assert [p is not None and holds(p.core, scene) for p in parsed] == [i == index for i in range(OPTIONS)]


def test_every_category_has_options_and_those_without_a_draw_have_them_always() -> None:
    found = drawn()
    counts = Counter(category for _, category, _, _ in found)
    assert counts.keys() == MODE_OF.keys()
    spatial = [category for category, mode in MODE_OF.items() if mode is FailureMode.SPATIAL]
    assert all(counts[category] > 60 for category in spatial if category != "relative_positioning")
    assert sum(counts.values()) > 0.6 * 80 * len(MODE_OF)


def test_what_the_world_rarely_says_is_not_asked() -> None:
    kinds = {truth.kind for *_, truth, _ in drawn()}
    verbs = {truth["v"] for *_, truth, _ in drawn() if truth.kind == "happens"}
    assert not kinds & {"third", "cut"}
    assert verbs == {"jumps", "enters", "leaves"}


def test_the_truth_shares_no_more_with_the_others_than_they_among_themselves() -> None:
    lead = 0.0
    found = drawn()
    for _, _, truth, wrong in found:
        claims = [truth, *wrong]
        shared = [sum(len(set(a.slots) & set(b.slots)) for b in claims if b is not a) for a in claims]
        lead += shared[0] - sum(shared[1:]) / len(wrong)
    assert abs(lead / len(found)) < 0.15


def test_no_order_contradicts_its_seconds() -> None:
    for _, _, truth, wrong in drawn():
        for option in (truth, *wrong):
            slots = dict(option.slots)
            if option.kind in ("before", "ends_before"):
                assert int(slots["s"]) <= int(slots["r"])
            if option.kind == "together":
                assert slots["s"] == slots["r"]
            if option.kind == "side":
                assert slots["p"] != slots["q"]


def test_the_same_seed_gives_the_same_options() -> None:
    scene, rng = next(scenes("validation", 9))
    question = sample_question(scene, "foreground_background", rng)
    assert question is not None
    assert four_options(scene, question, random.Random(1)) == four_options(scene, question, random.Random(1))
