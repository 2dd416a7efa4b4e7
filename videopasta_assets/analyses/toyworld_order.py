"""What `order-probe` and `timewar-drop` ask on the embedded default: toyworld videos whose order of flashes is known.

The embedded model has no yes and no: a statement is the choice, by likelihood, between a sentence and its opposite,
both as it would answer. Everything is drawn from the held-out split, with another seed than the benchmark.
"""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, permutations
from pathlib import Path
from typing import Final, Self

from videopasta_assets.config.evaluation import BenchmarkSettings
from videopasta_assets.evaluation.published.order_probe import BUCKETS
from videopasta_assets.hashing import stable_hash
from videopasta_assets.stages.project import Project
from videopasta_assets.taxonomy import CATEGORIES, FailureMode
from videopasta_assets.toyworld.claims import Claim, Sentence, claim
from videopasta_assets.toyworld.facts import seconds, tolerance
from videopasta_assets.toyworld.folder import video_id, write_folder
from videopasta_assets.toyworld.options import four_options
from videopasta_assets.toyworld.questions import sample_question
from videopasta_assets.toyworld.scene import HOP_SLOTS, Scene
from videopasta_assets.toyworld.splits import scenes
from videopasta_assets.video.guard import MediaLimits
from videopasta_assets.video.reader import EXACT, get_reader
from videopasta_assets.video.rebuild import rebuild
from videopasta_assets.video.worker import probe_safely

SPLIT: Final = "benchmark"
SEED: Final = 1
"""The benchmark's videos are drawn with seed 0."""

GAPS: Final = dict(zip(BUCKETS, ((0.0, 0.3), (0.3, 0.45), (0.45, 1.0)), strict=True))
"""Buckets of a pair of flashes by their distance, as shares of the video, which lasts 4 to 20 s."""

PIECES: Final = 3
QUESTIONS: Final = 3
"""TimeWar's questions a video."""

_MARGIN: Final = 0.05


@dataclass(frozen=True)
class Flash:
    """A thing and the second at which it flashes."""

    name: str
    at: float


def order_probe(project: Project, videos: int) -> BenchmarkSettings:
    """The probe in the project's folder, as a line of `evaluation.benchmarks`."""
    items = write_order_probe(project.settings.root / "order", _truth(project), videos)
    return BenchmarkSettings(name="order", items=items.relative_to(project.settings.root), scoring="likelihood")


def timewar(project: Project, videos: int) -> BenchmarkSettings:
    """TimeWar's two variants in the project's folder, as a line of `evaluation.benchmarks`."""
    folder = write_timewar(project.settings.root / "timewar", _truth(project), videos, project.limits)
    return BenchmarkSettings(name="timewar", format="timewar", items=folder.relative_to(project.settings.root))


def _truth(project: Project) -> Path:
    return project.settings.path(project.settings.oracle_truth or Path("truth"))


def write_order_probe(dest: Path, truth: Path, videos: int) -> Path:
    """Write `dest/videos/*.mp4` and `dest/order.jsonl`, in our own form; returns the file.

    The anchor is the middle one of a video's flashes. For the flash before it and the one after it there are four
    statements: of each of the two, whether it flashes, and whether it stops, before the other. Twice "before" is true,
    and twice the first sentence: whoever always says the same gets two of four.
    """
    paths = write_folder(dest / "videos", truth, videos, SEED, SPLIT)
    lines = []
    for path, (scene, _) in zip(paths, scenes(SPLIT, SEED), strict=False):
        about = {"video": f"videos/{path.name}", "video_id": video_id(path)}
        lines += [json.dumps({**about, **item}) for item in statements(path.stem, scene)]
    file = dest / "order.jsonl"
    file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return file


def statements(name: str, scene: Scene) -> Iterator[dict[str, object]]:
    """The probe's items about one scene, without its video."""
    flashes = _flashes(scene)
    # Of two flashes either is the middle one: every other time the first, so that partners come after it as often.
    anchor = len(flashes) // 2 - (len(flashes) == 2 and int(scene.identity[0], 16) % 2)
    for direction, partner in (("before", anchor - 1), ("after", anchor + 1)):
        if not 0 <= partner < len(flashes):
            continue
        early, late = sorted((flashes[anchor], flashes[partner]), key=lambda flash: flash.at)
        share = (late.at - early.at) / scene.duration
        bucket = next(bucket for bucket, (low, high) in GAPS.items() if low <= share < high)
        if late.at - early.at < 1.4 * scene.slot:  # whether one stops before the other starts could hardly be seen
            continue
        for number, (asked, other) in enumerate(((early, late), (early, late), (late, early), (late, early))):
            exchanged = _exchanged((asked, other))
            if swapped := bool(number % 2):
                question = f"Does the {asked.name} stop flashing before the {other.name} starts?"
                right, wrong = _end(scene, asked, other), _end(scene, *exchanged)
            else:
                question = _question(asked.name, other.name)
                right, wrong = _order(asked, other), _order(*exchanged)
            options = [Sentence(right).text, Sentence(wrong).text]
            yield {
                "item_id": f"{name}:{bucket}:{direction}:{number}",
                "question": question,
                "mode": FailureMode.TEMPORAL,
                "options": options[::-1] if swapped else options,
                "answer_index": int(swapped),
                "category": bucket,
                "group": f"{name}:{bucket}:{direction}",
                "facets": {"bucket": bucket, "direction": direction},
            }


def write_timewar(dest: Path, truth: Path, videos: int, limits: MediaLimits) -> Path:
    """Write TimeWar's layout to `dest`: both variants' videos and questions; returns `dest`.

    A video is cut where nothing happens; both variants are written anew from the same pieces, in their own order and in
    another one.
    """
    paths = write_folder(dest / "source_videos", truth, videos, SEED, SPLIT)
    reader = get_reader(EXACT, (dest,), limits=limits)
    written: dict[str, list[dict[str, str]]] = {"normal": [], "shuffled": []}
    for path, (scene, _) in zip(paths, scenes(SPLIT, SEED), strict=False):
        rng = random.Random(f"timewar:{SEED}:{scene.identity}")
        pieces = pieces_of(scene, rng)
        if len(pieces) < 2:
            continue
        order = _other_order(len(pieces), rng)
        asked = list(questions(scene, pieces, order, rng))
        if not asked:
            continue
        # The name tells the cut, so that a file that is already there is the one that the questions are about.
        name = f"{path.stem}-{stable_hash(pieces, order)[:8]}.mp4"
        orders = {"normal": sorted(order), "shuffled": order}
        for variant, places in orders.items():
            target = dest / f"{variant}_videos" / name
            if not target.is_file():
                info = probe_safely(path, (dest,), limits)
                rebuild(info, [pieces[place] for place in places], target, reader)
        for question, options, answers in asked:
            text = "\n".join([question, *(f"{number}. {option}" for number, option in enumerate(options, 1))])
            for variant, answer in zip(orders, answers, strict=True):
                record = {"id": name, "question": text, "answer": f"{answer + 1}. {options[answer]}"}
                written[variant].append(record)
    for variant, file in (("normal", "timewar_normal_benchmark"), ("shuffled", "temporal_shuffled_benchmark")):
        (dest / f"{file}.json").write_text(json.dumps(written[variant], indent=1), encoding="utf-8")
    return dest


def pieces_of(scene: Scene, rng: random.Random) -> list[tuple[float, float]]:
    """Up to three intervals of the scene, none shorter than a tenth of it, between which nothing happens."""
    busy = [(thing.flash, thing.flash + scene.slot) for thing in scene.things]
    hop = HOP_SLOTS * scene.slot
    for thing in scene.things:
        busy += [(jump.start, jump.start + hop) for jump in thing.jumps]
        busy += [(start, start + hop) for start, _ in thing.spans if start > 0]
        busy += [(end - hop, end) for _, end in thing.spans if end < scene.duration]
    grid = [scene.duration * step / 40 for step in range(4, 37)]
    quiet = [at for at in grid if all(at < start - _MARGIN or at > end + _MARGIN for start, end in busy)]
    cuts: list[float] = []
    for at in rng.sample(quiet, len(quiet)):
        if len(cuts) < PIECES - 1 and all(abs(at - cut) >= scene.duration / 10 for cut in cuts):
            cuts.append(at)
    return list(pairwise([0.0, *sorted(cuts), scene.duration]))


def _other_order(count: int, rng: random.Random) -> tuple[int, ...]:
    """Another order of the pieces; of three, every other time one that begins as the scene does."""
    orders = [order for order in permutations(range(count)) if list(order) != sorted(order)]
    keeps = [order for order in orders if order[0] == 0]
    return rng.choice(keeps if keeps and rng.random() < 0.5 else orders)


def questions(
    scene: Scene, pieces: Sequence[tuple[float, float]], order: Sequence[int], rng: random.Random
) -> Iterator[tuple[str, list[str], tuple[int, int]]]:
    """(question, four options, (right in the scene's own order, right in the other one)), at most three.

    They are about two flashes, whose order or seconds change. Where the opening stays first, one is about what is seen
    there: a control, whose answer stays.
    """
    moved = _Moved.of(pieces, order)
    found = []
    for first, second in permutations(_flashes(scene), 2):
        then = [Flash(flash.name, moved(flash.at)) for flash in (first, second)]
        if (item := _order_item(scene, (first, second), (then[0], then[1]), rng)) is not None:
            found.append(item)
    rng.shuffle(found)
    chosen = found[: QUESTIONS - 1]
    if order[0] == 0:
        category = rng.choice(CATEGORIES[FailureMode.SPATIAL])
        asked = sample_question(scene, category, rng)
        options = None if asked is None else four_options(scene, asked, rng)
        if asked is not None and options is not None:
            chosen.append((asked.text, options[0], (options[1], options[1])))
    yield from chosen


def _order_item(
    scene: Scene, normal: tuple[Flash, Flash], then: tuple[Flash, Flash], rng: random.Random
) -> tuple[str, list[str], tuple[int, int]] | None:
    """Four sentences of which one is true of each variant; None where two could pass for true."""
    told = (*((pair[0], pair[1]) for pair in (normal, then)), _exchanged(normal), _exchanged(then))
    if any(seconds(first.at) == seconds(second.at) for first, second in told):
        return None
    if sum(_near(pair, normal, scene) for pair in told) != 1 or sum(_near(pair, then, scene) for pair in told) != 1:
        return None
    sentences = [Sentence(_order(first, second)).text for first, second in told]
    if len(set(sentences)) < len(sentences):
        return None
    options = rng.sample(sentences, len(sentences))
    answers = (options.index(sentences[0]), options.index(sentences[1]))
    return _question(normal[0].name, normal[1].name), options, answers


def _near(told: tuple[Flash, Flash], true: tuple[Flash, Flash], scene: Scene) -> bool:
    allowed = tolerance(scene)
    return all(abs(one.at - other.at) <= allowed for one, other in zip(told, true, strict=True))


def _exchanged(pair: tuple[Flash, Flash]) -> tuple[Flash, Flash]:
    return Flash(pair[0].name, pair[1].at), Flash(pair[1].name, pair[0].at)


@dataclass(frozen=True)
class _Moved:
    """Where a second of the scene comes to lie when its pieces are put in another order."""

    pieces: tuple[tuple[float, float], ...]
    starts: dict[int, float]

    @classmethod
    def of(cls, pieces: Sequence[tuple[float, float]], order: Sequence[int]) -> Self:
        """Of pieces that are shown in this order."""
        starts, now = {}, 0.0
        for place in order:
            starts[place] = now
            now += pieces[place][1] - pieces[place][0]
        return cls(tuple(pieces), starts)

    def __call__(self, at: float) -> float:
        place = next(place for place, (start, end) in enumerate(self.pieces) if start <= at < end)
        return self.starts[place] + at - self.pieces[place][0]


def _flashes(scene: Scene) -> list[Flash]:
    """Flashes by time; of two at the same second neither, as they have no order."""
    found = sorted((Flash(thing.name, thing.flash) for thing in scene.things), key=lambda flash: flash.at)
    return [
        flash for flash in found if all(other is flash or seconds(other.at) != seconds(flash.at) for other in found)
    ]


def _order(asked: Flash, other: Flash) -> Claim:
    kind = "before" if asked.at < other.at else "after"
    return claim(kind, x=asked.name, s=seconds(asked.at), y=other.name, r=seconds(other.at))


def _end(scene: Scene, asked: Flash, other: Flash) -> Claim:
    end = asked.at + scene.slot
    kind = "ends_before" if end < other.at else "ends_after"
    return claim(kind, x=asked.name, s=seconds(end), y=other.name, r=seconds(other.at))


def _question(asked: str, other: str) -> str:
    return f"Does the {asked} flash before or after the {other}?"
