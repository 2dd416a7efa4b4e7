import random
from itertools import islice

import pytest

from videopasta_assets.toyworld.claims import FORMS, NAMES, parse_sentence
from videopasta_assets.toyworld.facts import holds
from videopasta_assets.toyworld.questions import MODE_OF, sample_question
from videopasta_assets.toyworld.robustness import NONE_OF_THEM, PROBES, VACUOUS, Probe, absence, draw_probe
from videopasta_assets.toyworld.scene import Scene
from videopasta_assets.toyworld.splits import scenes


def probes(kind: str, count: int = 40) -> list[tuple[Scene, Probe]]:
    found = []
    for scene, rng in islice(scenes("validation", 4), count):
        for category in MODE_OF:
            question = sample_question(scene, category, rng)
            probe = PROBES[kind](scene, question, rng) if question else None
            if probe is not None:
                found.append((scene, probe))
    return found


def true_options(scene: Scene, probe: Probe) -> list[str]:
    parsed = [(option, parse_sentence(option)) for option in probe.options]
    return [option for option, sentence in parsed if sentence is not None and holds(sentence.core, scene)]


@pytest.mark.parametrize("kind", PROBES)
def test_four_distinct_options_and_the_answers_place_is_even(kind: str) -> None:
    found = [probe for _, probe in probes(kind)]
    assert all(len(set(probe.options)) == 4 for probe in found)
    places = [sum(probe.answer_index == place for probe in found) / len(found) for place in range(4)]
    assert len(found) > 250 and all(0.17 < share < 0.33 for share in places)
    assert {probe.mode for probe in found} == set(MODE_OF.values())


def test_a_probe_has_no_true_statement_but_the_refusal() -> None:
    for scene, probe in probes("unanswerable"):
        shown = {thing.name for thing in scene.things}
        (stranger,) = [name for name in NAMES if absence(name) in probe.options]
        assert stranger not in shown and stranger in probe.question
        assert probe.answer == absence(stranger) and not true_options(scene, probe)
    for scene, probe in probes("none_of_the_above"):
        assert probe.answer == NONE_OF_THEM and not true_options(scene, probe)


def test_in_a_control_the_refusal_is_wrong() -> None:
    for kind in ("unanswerable_control", "none_of_the_above_control"):
        for scene, probe in probes(kind):
            assert true_options(scene, probe) == [probe.answer]
            refusals = {NONE_OF_THEM, *map(absence, NAMES)} & set(probe.options)
            assert len(refusals) == 1 and probe.answer not in refusals


def test_vacuous_claims_are_claims_of_the_language() -> None:
    assert FORMS.keys() >= VACUOUS


def test_a_drawn_probe_is_of_its_kind_and_follows_the_seed() -> None:
    for scene, _ in islice(scenes("validation", 5), 5):
        for kind in PROBES:
            probe = draw_probe(scene, kind, random.Random(3))
            assert probe is not None and probe.kind == kind and probe == draw_probe(scene, kind, random.Random(3))
