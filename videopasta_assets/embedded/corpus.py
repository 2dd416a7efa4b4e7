"""What the embedded model learns from: packs of exchanges about toyworld scenes, drawn by index.

Pack `i` depends on (seed, i) alone, so training that was stopped goes on with the packs that it had not seen.
"""

import json
import random
import re
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Final

import numpy as np
from numpy.typing import NDArray

from videopasta_assets.embedded.architecture import DENSE_FRAMES, PIXELS
from videopasta_assets.embedded.packing import Exchange, Pack
from videopasta_assets.embedded.pointers import pointers
from videopasta_assets.prompts.library import PromptLibrary
from videopasta_assets.taxonomy import CATEGORIES, MODES, STRATEGIES, FailureMode
from videopasta_assets.toyworld.caption import caption
from videopasta_assets.toyworld.claims import Claim, Sentence, answer_text, claim, parse_answer, place_name
from videopasta_assets.toyworld.contrast import SAME_SECOND, contradicted_modes, salient_mode
from videopasta_assets.toyworld.facts import seconds, tolerance
from videopasta_assets.toyworld.falsify import corrupted, falsify, strategy_mode, wrong_claims
from videopasta_assets.toyworld.options import four_options
from videopasta_assets.toyworld.questions import MODE_OF, Question, sample_question, true_answer
from videopasta_assets.toyworld.render import LABELS_PER_CELL, cell_labels, midpoints, render
from videopasta_assets.toyworld.robustness import PROBES, draw_probe
from videopasta_assets.toyworld.scene import Scene
from videopasta_assets.toyworld.splits import split_scene
from videopasta_assets.toyworld.story import story_labels

ALL_STRATEGIES: Final = tuple(strategy for names in STRATEGIES.values() for strategy in names)
STRATEGY_WEIGHTS: Final = {
    "all_visible": 2.0,
    "concurrency_swap": 2.0,
    "reversed_progression": 2.0,
    "nothing_changed": 2.0,
    "collapsed_locations": 2.0,
}
"""Strategies that rewrite what is said, not only open it with a phrase, are learnt last; the others weigh 1."""
CATEGORY_WEIGHTS: Final = {
    FailureMode.SPATIAL: 0.9,
    FailureMode.TEMPORAL: 1.3,
    FailureMode.CROSS_FRAME: 1.4,
}
HARD_CATEGORIES: Final = ("action_repetition", "causality", "character_persistence", "relative_positioning")
"""Asked half as often again: each needs two facts of different moments, or of two objects."""
SPARSE_COUNTS: Final = (1, 2, 3, 3, 4)
DRILL_SHARE: Final = 0.4

_prompts = PromptLibrary("compact")


def sampled_frames(scene: Scene, count: int, rng: random.Random, size: int = PIXELS) -> NDArray[np.uint8]:
    """`count` uniform frames as decoding a file would give them: native timestamps, mild compression noise."""
    fps = rng.uniform(8, 30)
    times = np.floor(midpoints(scene.duration, count) * fps) / fps
    return render(scene, times, size)


def degraded(frames: NDArray[np.uint8], rng: random.Random) -> NDArray[np.uint8]:
    noise = np.random.default_rng(rng.randrange(1 << 62))
    pixels = frames.astype(np.float32)
    if rng.random() < 0.5:
        soft = pixels.copy()
        soft[:, 1:] += pixels[:, :-1]
        soft[:, :-1] += pixels[:, 1:]
        soft[:, 1:-1] /= 3
        soft[:, [0, -1]] /= 2
        pixels += (soft - pixels) * rng.uniform(0, 0.7)
    pixels = (pixels - 128) * rng.uniform(0.92, 1.08) + 128 + rng.uniform(-8, 8)
    pixels += noise.normal(0, rng.uniform(0, 5), pixels.shape).astype(np.float32)
    return np.clip(pixels, 0, 255).astype(np.uint8)


def pack_at(seed: int, index: int, progress: float) -> Pack:
    """Training pack number `index`; `progress` (0..1) moves the mixture from plain answers to all tasks.

    What is seen is learnt first; to spoil an answer and to tell two texts apart need the whole language, and come late.
    """
    rng = random.Random(f"{seed}:{index}")
    scene = split_scene("train", rng)
    if rng.random() < DRILL_SHARE * (1 - 0.75 * progress):
        return video_pack(scene, DENSE_FRAMES, rng, drill_exchanges(scene, rng))
    kind = rng.random()
    dense = 0.66 - 0.36 * progress
    if kind < dense:
        return video_pack(scene, DENSE_FRAMES, rng, dense_exchanges(scene, rng, progress))
    if kind < dense + (1 - dense) * (0.5 + 0.1 * progress):
        return video_pack(scene, rng.choice(SPARSE_COUNTS), rng, sparse_exchanges(scene, rng))
    return Pack(None, scene.duration, text_exchanges(scene, rng))


def video_pack(scene: Scene, count: int, rng: random.Random, exchanges: tuple[Exchange, ...]) -> Pack:
    """A pack with `count` frames as a decoder would give them, and the labels of their cells."""
    frames = degraded(sampled_frames(scene, count, rng), rng)
    times = midpoints(scene.duration, count)
    times = np.concatenate([times, times[-1:]]) if count % 2 else times
    labels = cell_labels(scene, times)
    if count == DENSE_FRAMES:
        exchanges = tuple(replace(e, pointers=pointers(scene, e.reply, labels)) for e in exchanges)
    return Pack(frames, scene.duration, exchanges, labels.reshape(-1, LABELS_PER_CELL), story_labels(scene, times))


def dense_exchanges(scene: Scene, rng: random.Random, progress: float) -> tuple[Exchange, ...]:
    result = [aligned_exchange(scene, question) for question in draw_questions(scene, rng, 6)]
    result += [rng.choice(plain_exchanges(scene, rng)) for _ in range(2)]
    result += [query_exchange(scene, rng) for _ in range(4)]
    if rng.random() < 0.15:
        result.append(Exchange(_prompts.render("caption", duration=scene.duration).text, caption(scene)))
    if rng.random() < progress * 3:
        result.append(adversary_exchange(scene, rng))
        choices = [choice_exchange(scene, rng) for _ in range(3)]
        result += [choice for choice in choices if choice is not None]
        result += [truth_exchange(scene, rng) for _ in range(2)]
        if rng.random() < 0.5:
            result += probe_exchanges(scene, rng)
    return tuple(result)


def drill_exchanges(scene: Scene, rng: random.Random) -> tuple[Exchange, ...]:
    """Bare facts, one sentence each: when things happen is the hardest to learn, and such packs cost little."""
    result = []
    for thing in scene.things:
        answer = claim("flashes", x=thing.name, s=seconds(thing.flash))
        result.append(Exchange(f"When does the {thing.name} flash?", Sentence(answer).text))
    result += [Exchange(q.text, Sentence(q.answer).text) for q in draw_questions(scene, rng, 8)]
    result += [query_exchange(scene, rng) for _ in range(3)]
    listed = ", ".join(f"the {thing.size} {thing.name}" for thing in rng.sample(scene.things, len(scene.things)))
    result.append(Exchange("Which objects are there?", f"There are {listed}.", 2.0))
    for second in (0, int(scene.duration)):
        setting = claim("setting", a=scene.setting(float(second)), s=second)
        result.append(Exchange(f"What is the setting at {second} s?", Sentence(setting).text, 2.0))
    for thing in scene.things:
        start = claim("starts", x=thing.name, p=place_name(thing.start_place))
        result.append(Exchange(f"Where does the {thing.name} start?", Sentence(start).text, 2.0))
    return tuple(result)


def sparse_exchanges(scene: Scene, rng: random.Random) -> tuple[Exchange, ...]:
    result = [adversary_exchange(scene, rng) for _ in range(4)]
    return (*result, aligned_exchange(scene, draw_questions(scene, rng, 1)[0]), query_exchange(scene, rng))


def text_exchanges(scene: Scene, rng: random.Random) -> tuple[Exchange, ...]:
    return (*(verify_exchange(scene, rng) for _ in range(4)), *(judge_exchange(scene, rng) for _ in range(2)))


def draw_questions(scene: Scene, rng: random.Random, count: int) -> list[Question]:
    categories = list(MODE_OF)
    weights = [
        CATEGORY_WEIGHTS[MODE_OF[category]] * (1.5 if category in HARD_CATEGORIES else 1.0) for category in categories
    ]
    found: list[Question] = []
    while len(found) < count:
        question = sample_question(scene, rng.choices(categories, weights)[0], rng)
        if question is not None:
            found.append(question)
    return found


def aligned_exchange(scene: Scene, question: Question) -> Exchange:
    prompt = _prompts.render(
        f"aligned/{question.mode}", mode=question.mode, category=question.category, query=question.text, duration=0.0
    )
    return Exchange(prompt.text, answer_text(true_answer(scene, question)))


def plain_exchanges(scene: Scene, rng: random.Random) -> list[Exchange]:
    """Single-fact questions: where, when, which setting."""
    result: list[tuple[str, Claim]] = [
        ("When is the first flash?", claim("first_flash", s=seconds(min(thing.flash for thing in scene.things))))
    ]
    second = rng.randint(0, int(scene.duration))
    if scene.cut is None or abs(second - scene.cut) > 0.3 * tolerance(scene):
        setting = claim("setting", a=scene.setting(float(second)), s=second)
        result.append((f"What is the setting at {second} s?", setting))
    for thing in scene.things:
        name = thing.name
        result.append((f"Where does the {name} start?", claim("starts", x=name, p=place_name(thing.start_place))))
        result += 2 * [(f"When does the {name} flash?", claim("flashes", x=name, s=seconds(thing.flash)))]
        if thing.jumps:
            result.append((f"Where does the {name} jump?", claim("goes", x=name, p=place_name(thing.jumps[-1].to))))
        clear = all(abs(second - jump.start) > 0.3 * tolerance(scene) for jump in thing.jumps)
        if clear and thing.present(second - 0.3) and thing.present(second + 0.3) and thing.present(float(second)):
            where = claim("at", x=name, p=place_name(thing.place(float(second))), s=second)
            result.append((f"Where is the {name} at {second} s?", where))
    return [Exchange(prompt, Sentence(answer).text) for prompt, answer in result]


def query_exchange(scene: Scene, rng: random.Random) -> Exchange:
    while True:
        mode = rng.choice(MODES)
        category = rng.choice(CATEGORIES[mode])
        question = sample_question(scene, category, rng)
        if question is not None:
            prompt = _prompts.render(f"query/{mode}", mode=mode, category=category, duration=0.0, count=1)
            return Exchange(prompt.text, question.text, 2.0)


def adversary_exchange(scene: Scene, rng: random.Random, strategy: str | None = None) -> Exchange:
    if strategy is None:
        strategy = rng.choices(ALL_STRATEGIES, [STRATEGY_WEIGHTS.get(name, 1.0) for name in ALL_STRATEGIES])[0]
    mode = strategy_mode(strategy)
    question = draw_questions(scene, rng, 1)[0]
    prompt = _prompts.render(
        f"adversary/{mode}/{strategy}", mode=mode, strategy=strategy, query=question.text, duration=0.0
    )
    return Exchange(prompt.text, answer_text(falsify(scene, question, strategy, rng)))


def choice_exchange(scene: Scene, rng: random.Random) -> Exchange | None:
    for question in draw_questions(scene, rng, 3):
        found = four_options(scene, question, rng)
        if found is not None:
            prompt = _prompts.render(
                "multiple_choice", question=question.text, options=found[0], duration=scene.duration
            )
            return Exchange(prompt.text, found[0][found[1]])
    return None


def probe_exchanges(scene: Scene, rng: random.Random) -> list[Exchange]:
    """A question that must be refused, or its control: refusing has to rest on what the video shows."""
    probe = draw_probe(scene, rng.choice(sorted(PROBES)), rng)
    if probe is None:
        return []
    prompt = _prompts.render(
        "multiple_choice", question=probe.question, options=list(probe.options), duration=scene.duration
    )
    return [Exchange(prompt.text, probe.answer)]


def truth_exchange(scene: Scene, rng: random.Random) -> Exchange:
    question = draw_questions(scene, rng, 1)[0]
    true = rng.random() < 0.5
    truth = answer = true_answer(scene, question)
    if not true:
        spoiled = rng.randrange(3)
        answer = tuple(
            Sentence(rng.choice(wrong_claims(scene, s.core, rng) or [s.core])) if i == spoiled else s
            for i, s in enumerate(answer)
        )
        true = answer == truth
    prompt = _prompts.render("check_answer", query=question.text, answer=answer_text(answer)).text
    marks = departures(prompt, answer_text(truth), answer_text(answer))
    return Exchange(prompt, "true" if true else "false", 3.0, marks=marks)


def _pair(scene: Scene, rng: random.Random) -> tuple[Question, str, str, FailureMode, bool, bool]:
    """A pair as the pipeline may meet it: question, aligned, adversary, mode, does A answer, is B on topic."""
    question, other = draw_questions(scene, rng, 2)
    aligned = tuple(
        Sentence(rng.choice(wrong_claims(scene, s.core, rng) or [s.core])) if rng.random() < 0.15 else s
        for s in true_answer(scene, question)
    )
    strategy = rng.choice(ALL_STRATEGIES)
    mode = strategy_mode(strategy)
    kind = rng.random()
    adversary = list(aligned)
    answers, related = True, True
    extra = rng.choice((0.0, 0.0, 0.35))
    for i, sentence in enumerate(aligned):
        if sentence.core.mode is mode:
            if kind < 0.62:
                adversary[i] = corrupted(scene, sentence.core, strategy, rng)
        elif rng.random() < extra or (0.62 <= kind < 0.74):
            adversary[i] = Sentence(rng.choice(wrong_claims(scene, sentence.core, rng) or [sentence.core]))
        if rng.random() < 0.3:
            adversary[i] = _nudged(adversary[i], rng)
    a, b = answer_text(aligned), answer_text(tuple(adversary))
    if kind >= 0.93:
        b, related = answer_text(true_answer(scene, other)), other.text == question.text
    elif kind >= 0.86:
        answers = False
        if rng.random() < 0.5 and other.text != question.text:
            a = answer_text(true_answer(scene, other))
        else:
            words = a.split()
            del words[rng.randrange(2, len(words) - 2) :]
            a = " ".join(words)
    if rng.random() < 0.1:
        mode = rng.choice(MODES)
    return question, a, b, mode, answers, related


def _nudged(sentence: Sentence, rng: random.Random) -> Sentence:
    """The same claim with its seconds a step off: a rephrasal."""
    slots = {
        name: str(max(0, min(20, int(value) + rng.choice((-1, 0, 1)))))
        for name, value in sentence.core.slots
        if name in "sr"
    }
    return Sentence(sentence.core.replaced(**slots), sentence.prefix)


def verdict(aligned: str, adversary: str, mode: FailureMode, answers: bool, related: bool) -> str:
    """The verifier's reply for a pair, as JSON; the reason comes first, sentence by sentence, and the flags follow."""
    modes = contradicted_modes(aligned, adversary) if answers and related else None
    if not answers:
        reason = "A does not answer"
    elif modes is None:
        reason = "B is about something else"
    else:
        ordered = [s.core.mode for s in parse_answer(aligned) if s is not None]
        said = [f"{m.replace('_', '-')} {'differs' if m in modes else 'same'}" for m in ordered]
        reason = ", ".join(said)
    reply = {
        "reason": reason,
        "preferred_ok": answers,
        "is_contradiction": bool(modes),
        "is_rephrase": modes is not None and not modes,
        "mode_specific": modes is not None and mode in modes,
    }
    return json.dumps(reply)


def departures(prompt: str, aligned: str, adversary: str) -> tuple[tuple[int, int, bool], ...]:
    """Spans of the prompt's characters: each word of the adversary, and whether the aligned answer has it there."""
    start = prompt.rindex(adversary)
    old = aligned.split()
    new = [(match.group(), start + match.start(), start + match.end()) for match in re.finditer(r"\S+", adversary)]
    matcher = SequenceMatcher(None, old, [word for word, _, _ in new], autojunk=False)
    marks = []
    for tag, first, last, low, high in matcher.get_opcodes():
        paired = last - first == high - low
        for index, (word, at, end) in enumerate(new[low:high]):
            near = paired and _near(old[first + index], word)
            marks.append((at, end, tag != "equal" and not near))
    return tuple(marks)


def _near(one: str, two: str) -> bool:
    return one.isdecimal() and two.isdecimal() and abs(int(one) - int(two)) <= SAME_SECOND


def verify_exchange(scene: Scene, rng: random.Random) -> Exchange:
    question, aligned, adversary, mode, answers, related = _pair(scene, rng)
    prompt = _prompts.render("verify", query=question.text, aligned=aligned, adversary=adversary, mode=mode).text
    marks = departures(prompt, aligned, adversary) if answers and related else ()
    return Exchange(prompt, verdict(aligned, adversary, mode, answers, related), 2.0, marks=marks)


def judge_exchange(scene: Scene, rng: random.Random) -> Exchange:
    question, aligned, adversary, _, answers, related = _pair(scene, rng)
    modes = contradicted_modes(aligned, adversary) if answers and related else None
    mode = salient_mode(adversary, modes or frozenset())
    prompt = _prompts.render("judge_mode", query=question.text, aligned=aligned, adversary=adversary)
    return Exchange(prompt.text, str(mode) if mode else "none", 3.0)
