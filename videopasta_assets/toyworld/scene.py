"""Scenes: what happens in one toy video, as data.

A scene is a square picture seen for `duration` seconds: two or three coloured shapes on a background that may be cut
once to another one. Time is laid out on eight slots of `duration / 8` seconds; every event starts in its own slot with
a little jitter. Places are the nine cells of a 3 x 3 grid; the bigger of two shapes is the closer one.
"""

import hashlib
import json
import random
from dataclasses import asdict, dataclass
from typing import Any, Final

COLOURS: Final = ("red", "green", "blue", "yellow", "purple")
SHAPES: Final = ("circle", "square", "triangle")
SIZES: Final = ("small", "medium", "large")
SETTINGS: Final = ("night", "desert", "snow", "city")
ROWS: Final = ("top", "middle", "bottom")
COLUMNS: Final = ("left", "center", "right")
SLOTS: Final = 8
HOP_SLOTS: Final = 0.3
"""How long a jump, an entrance or an exit lasts, in slots."""

Place = tuple[int, int]
"""(row, column), each 0..2, counted from the top left."""

PRESENCES: Final = ("throughout", "enters", "leaves", "returns")


@dataclass(frozen=True)
class Jump:
    """A hop to another cell that starts at `start` seconds; `touches` is the colour of the object that it lands on."""

    start: float
    to: Place
    touches: str | None = None


@dataclass(frozen=True)
class Thing:
    """One shape. Its colour identifies it within a scene."""

    colour: str
    shape: str
    size: str
    presence: str
    spans: tuple[tuple[float, float], ...]
    start_place: Place
    jumps: tuple[Jump, ...]
    flash: float
    caused_by: str | None = None

    @property
    def name(self) -> str:
        return f"{self.colour} {self.shape}"

    def present(self, time: float) -> bool:
        """Whether it is in the picture at `time` seconds (an exit's glide counts as present)."""
        return any(start <= time < end for start, end in self.spans)

    def place(self, time: float) -> Place:
        """Cell at `time` seconds; a jump counts from its landing's middle."""
        place = self.start_place
        for jump in self.jumps:
            if time > jump.start:
                place = jump.to
        return place


@dataclass(frozen=True)
class Scene:
    """A video's whole truth. Seconds are floats from the first frame; `flash` lasts one slot."""

    duration: float
    settings: tuple[str, ...]
    cut: float | None
    things: tuple[Thing, ...]
    mark: str | None
    look: int

    @property
    def slot(self) -> float:
        return self.duration / SLOTS

    def thing(self, colour: str) -> Thing | None:
        return next((thing for thing in self.things if thing.colour == colour), None)

    def setting(self, time: float) -> str:
        return self.settings[0] if self.cut is None or time < self.cut else self.settings[1]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def identity(self) -> str:
        """Canonical hash of what happens, in slots, without jitter or look: equal stories share a split."""
        slot = self.slot

        def at(time: float | None) -> int | None:
            return None if time is None else int(time / slot)

        story = [
            self.settings,
            at(self.cut),
            self.mark,
            sorted(
                [
                    thing.name,
                    thing.size,
                    [[at(start), at(end)] for start, end in thing.spans],
                    thing.start_place,
                    [[at(jump.start), jump.to] for jump in thing.jumps],
                    at(thing.flash),
                ]
                for thing in self.things
            ),
        ]
        return hashlib.sha256(json.dumps(story).encode()).hexdigest()


def scene_from_dict(data: dict[str, Any]) -> Scene:
    """Inverse of `Scene.to_dict` after a trip through JSON."""
    things = tuple(
        Thing(
            **{
                **thing,
                "spans": tuple((start, end) for start, end in thing["spans"]),
                "start_place": (thing["start_place"][0], thing["start_place"][1]),
                "jumps": tuple(Jump(j["start"], (j["to"][0], j["to"][1]), j["touches"]) for j in thing["jumps"]),
            }
        )
        for thing in data["things"]
    )
    return Scene(**{**data, "settings": tuple(data["settings"]), "things": things})


def sample_scene(rng: random.Random) -> Scene:
    """Draw a scene; constraints that cannot be met are resolved by drawing again."""
    while True:
        scene = _try_scene(rng)
        if scene is not None:
            return scene


def _try_scene(rng: random.Random) -> Scene | None:  # noqa: PLR0915 - one draw after another
    duration = rng.randint(8, 40) / 2
    slot = duration / SLOTS
    jitter = rng.uniform(0.1, 0.5)

    def when(k: int) -> float:
        return round((k + jitter) * slot, 3)

    count = 2 if rng.random() < 0.4 else 3
    colours = rng.sample(COLOURS, count)
    sizes = rng.sample(SIZES, count)
    cut_slot = rng.choice((3, 4, 5)) if rng.random() < 0.5 else None
    settings = tuple(rng.sample(SETTINGS, 2 if cut_slot is not None else 1))

    presences = rng.choices(PRESENCES, weights=(22, 28, 22, 28), k=count)
    presences[0] = "throughout"
    present: list[set[int]] = []
    spans: list[tuple[tuple[float, float], ...]] = []
    for presence in presences:
        span, slots = _presence(rng, presence, duration, when)
        spans.append(span)
        present.append(slots)

    places = rng.sample([(row, column) for row in range(3) for column in range(3)], count)
    opening = [i for i in range(count) if presences[i] != "enters"]
    if len(opening) > 1 and rng.random() < 0.5:
        hidden, front = rng.sample(opening, 2)
        places[hidden] = places[front]

    flashes: list[float | None] = [None] * count
    jumps: list[list[Jump]] = [[] for _ in range(count)]
    causes: list[str | None] = [None] * count
    used: set[int] = set()
    mover = rng.randrange(count)
    free = [cell for cell in ((r, c) for r in range(3) for c in range(3)) if cell not in places]
    here = places[mover]
    jump_slots = _jump_slots(rng, sorted(present[mover] - {0, 7}))
    for k in jump_slots:
        target: Place | None = None
        touched: int | None = None
        others = [
            i
            for i in range(count)
            if i != mover
            and flashes[i] is None
            and {k, k + 1} <= present[i]
            and places[i] != here
            and places.count(places[i]) == 1
        ]
        if others and not any(causes) and rng.random() < 0.7:
            touched = rng.choice(others)
            target = places[touched]
            flashes[touched] = round(when(k) + HOP_SLOTS * slot, 3)
            causes[touched] = colours[mover]
            used |= {k, k + 1}
        elif free:
            target = rng.choice([cell for cell in free if cell != here] or free)
        if target is None or target == here:
            return None
        jumps[mover].append(Jump(when(k), target, colours[touched] if touched is not None else None))
        here = target
        used.add(k)

    open_flashes = [i for i in range(count) if flashes[i] is None]
    rng.shuffle(open_flashes)
    if len(open_flashes) >= 2 and rng.random() < 0.45:
        first, second = open_flashes[:2]
        shared = [k for k in present[first] & present[second] if _clear(k, used, present[first] & present[second])]
        if shared:
            k = rng.choice(sorted(shared))
            flashes[first] = flashes[second] = when(k)
            used |= {k, k + 1}
    for i in open_flashes:
        if flashes[i] is None:
            options = [k for k in sorted(present[i]) if _clear(k, used, present[i])]
            if not options:
                return None
            k = rng.choice(options)
            flashes[i] = when(k)
            used |= {k, k + 1}

    entering = [colours[i] for i in range(count) if presences[i] == "enters"]
    mark = rng.choice(entering) if entering and rng.random() < 0.65 else None
    things = tuple(
        Thing(
            colours[i],
            rng.choice(SHAPES),
            sizes[i],
            presences[i],
            spans[i],
            places[i],
            tuple(jumps[i]),
            flash,
            causes[i],
        )
        for i, flash in enumerate(flashes)
        if flash is not None
    )
    cut = None if cut_slot is None else round((cut_slot + rng.uniform(0.0, 0.9)) * slot, 3)
    return Scene(duration, settings, cut, things, mark, rng.randrange(1 << 30))


def _presence(
    rng: random.Random, presence: str, duration: float, when: Any
) -> tuple[tuple[tuple[float, float], ...], set[int]]:
    """Spans in seconds, and the slots during which the thing is surely present."""
    end = duration + 1.0
    if presence == "throughout":
        return ((0.0, end),), set(range(SLOTS))
    if presence == "enters":
        k = rng.randint(2, 5)
        return ((when(k), end),), set(range(k + 1, SLOTS))
    if presence == "leaves":
        k = rng.randint(3, 6)
        return ((0.0, when(k)),), set(range(k))
    gone = rng.randint(2, 3)
    back = gone + rng.randint(2, 3)
    return ((0.0, when(gone)), (when(back), end)), set(range(gone)) | set(range(back + 1, SLOTS))


def _jump_slots(rng: random.Random, options: list[int]) -> list[int]:
    """Zero, one or two slots, two of them far apart (distant segments)."""
    wanted = rng.choices((0, 1, 2), weights=(25, 40, 35))[0]
    if wanted == 2:
        pairs = [(a, b) for a in options for b in options if b - a >= 3]
        return list(rng.choice(pairs)) if pairs else []
    return [rng.choice(options)] if wanted and options else []


def _clear(k: int, used: set[int], present: set[int]) -> bool:
    """A flash fits at slot k: it ends within the presence and is a slot away from the others."""
    return k + 1 < SLOTS and k + 1 in present and not {k - 1, k, k + 1} & used
