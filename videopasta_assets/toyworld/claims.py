"""The answer language: a closed grammar of claims, written as English sentences and parsed back exactly.

A claim is one proposition about a video (`kind` and its slots) and belongs to one failure mode. A sentence is a claim
with an optional opening phrase that is itself a claim ("In a flashback, the red circle flashes at 3 s."); an answer is
a few sentences. What does not parse is `None`: the oracle counts it as unknown.
"""

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from videopasta_assets.taxonomy import FailureMode
from videopasta_assets.toyworld.scene import COLOURS, COLUMNS, ROWS, SETTINGS, SHAPES, Place

S, T, C = FailureMode.SPATIAL, FailureMode.TEMPORAL, FailureMode.CROSS_FRAME

NAMES: Final = tuple(f"{colour} {shape}" for colour in COLOURS for shape in SHAPES)
PLACES: Final = tuple(f"{row} {column}" for row in ROWS for column in COLUMNS)
NUMBERS: Final = ("none", "one", "two", "three")
GROUNDS: Final = ("background", "midground", "foreground")
EDGES: Final = ("along the top edge", "between the edges", "along the bottom edge")
VERBS: Final = ("jumps", "enters", "leaves", "returns")

SLOT_VALUES: Final[dict[str, tuple[str, ...]]] = {
    "x": NAMES,
    "y": NAMES,
    "p": PLACES,
    "q": PLACES,
    "h": ("left", "right"),
    "o": ("left of", "right of"),
    "n": NUMBERS,
    "g": GROUNDS,
    "e": EDGES,
    "v": VERBS,
    "t": PLACES,
    "m": (*COLOURS, "missing"),
    "a": SETTINGS,
    "b": SETTINGS,
    "s": tuple(str(second) for second in range(21)),
    "r": tuple(str(second) for second in range(21)),
}

FORMS: Final[dict[str, tuple[FailureMode, str]]] = {
    "starts": (S, "the {x} starts at the {p}"),
    "at": (S, "the {x} is at the {p} at {s} s"),
    "goes": (S, "the {x} jumps to the {p}"),
    "hidden": (S, "the {x} at the {p} is partly behind the {y}"),
    "visible": (S, "the {x} at the {p} is fully visible"),
    "closest": (S, "the {x} is closest, at the {p}"),
    "farthest": (S, "the {x} is farthest, at the {p}"),
    "third": (S, "{n} of the objects start in the {h} third"),
    "side": (S, "the {y} is at the {q} and the {x} at the {p}, {o} it"),
    "ground": (S, "the {x} at the {p} is in the {g}"),
    "edge": (S, "the {x} is {e}, at the {p}"),
    "flashes": (T, "the {x} flashes at {s} s"),
    "first_flash": (T, "the first flash is at {s} s"),
    "before": (T, "the {y} flashes at {r} s and the {x} at {s} s, before it"),
    "after": (T, "the {y} flashes at {r} s and the {x} at {s} s, after it"),
    "ends_before": (T, "the {y} starts at {r} s and the {x} stops flashing at {s} s, before it"),
    "ends_after": (T, "the {y} starts at {r} s and the {x} stops flashing at {s} s, after it"),
    "happens": (T, "the {x} {v} at {s} s"),
    "cut": (T, "the setting changes at {s} s"),
    "touched": (T, "the {x} flashes at {s} s because the {y} touches it"),
    "alone": (T, "the {x} flashes at {s} s on its own"),
    "together": (T, "the {x} flashes at {s} s and the {y} at {r} s, together"),
    "apart": (T, "the {x} flashes at {s} s and the {y} at {r} s, apart"),
    "setting": (C, "the setting is {a} at {s} s"),
    "stays": (C, "the setting is {a} at the start and {a} at the end"),
    "changes": (C, "the setting is {a} at the start and {b} at the end"),
    "both_ends": (C, "the {x} is at the {p} at the start and at the {q} at the end"),
    "only_start": (C, "the {x} is at the {p} at the start and gone at the end"),
    "only_end": (C, "the {x} is missing at the start and at the {q} at the end"),
    "neither_end": (C, "the {x} is missing at the start and gone at the end"),
    "comes_back": (C, "the {x} is there from the start to {s} s and again from {r} s to the end"),
    "gone": (C, "the {x} is there from the start to {s} s and never comes back"),
    "late": (C, "the {x} is there from {s} s to the end"),
    "never_leaves": (C, "the {x} is there from the start to the end"),
    "jumps_once": (C, "the {x} is first at the {p} and then at the {q}, it jumps once"),
    "jumps_twice": (C, "the {x} is first at the {p} and then at the {t}, after the {q}, it jumps twice"),
    "always_jumps": (C, "the {x} jumps all the time"),
    "never_jumps": (C, "the {x} is first at the {p} and then at the {p}, it never jumps"),
    "announced": (C, "the opening mark is {m} and announces the {x}"),
    "no_mark": (C, "the opening mark is {m} and does not announce the {x}"),
}
"""Core forms: mode and English, by kind. What an outcome rests on (places, seconds, the mark's colour) comes before it:
a model that writes word by word looks up one thing after the other, and reads the outcome off what it has written."""

PREFIXES: Final[dict[str, tuple[FailureMode, str]]] = {
    "equidistant": (S, "at the same distance as all others"),
    "presupposed": (S, "next to the {y}"),
    "absent": (S, "without any {y}"),
    "at_once": (T, "while everything flashes at once"),
    "one_action": (T, "in one long action"),
    "flashback": (T, "in a flashback"),
    "new_object": (C, "with an unrelated new {y} at the end"),
    "other_one": (C, "with another {y} taking its place"),
    "close_up": (C, "as it is only a close-up"),
}
"""Opening phrases: each is a claim of its own."""


@dataclass(frozen=True)
class Claim:
    """A proposition: `kind` names its form, `slots` its values by slot name."""

    kind: str
    slots: tuple[tuple[str, str], ...]

    @property
    def mode(self) -> FailureMode:
        return (FORMS.get(self.kind) or PREFIXES[self.kind])[0]

    def __getitem__(self, slot: str) -> str:
        return dict(self.slots)[slot]

    @property
    def text(self) -> str:
        return (FORMS.get(self.kind) or PREFIXES[self.kind])[1].format(**dict(self.slots))

    def replaced(self, **slots: str) -> "Claim":
        return Claim(self.kind, tuple((name, slots.get(name, value)) for name, value in self.slots))


@dataclass(frozen=True)
class Sentence:
    """A core claim with an optional opening phrase."""

    core: Claim
    prefix: Claim | None = None

    @property
    def text(self) -> str:
        text = self.core.text if self.prefix is None else f"{self.prefix.text}, {self.core.text}"
        return text[0].upper() + text[1:] + "."

    @property
    def claims(self) -> tuple[Claim, ...]:
        return (self.core,) if self.prefix is None else (self.prefix, self.core)


def claim(kind: str, **slots: str | int) -> Claim:
    """Build a claim; slots come in the order of its form. A change from one setting to the same is none."""
    if kind == "changes" and slots["a"] == slots["b"]:
        kind = "stays"
    form = (FORMS.get(kind) or PREFIXES[kind])[1]
    return Claim(kind, tuple((name, str(slots[name])) for name in dict.fromkeys(re.findall(r"{(\w)}", form))))


def place_name(place: Place) -> str:
    return f"{ROWS[place[0]]} {COLUMNS[place[1]]}"


def answer_text(sentences: tuple[Sentence, ...]) -> str:
    return " ".join(sentence.text for sentence in sentences)


@cache
def _patterns() -> tuple[tuple[tuple[str, re.Pattern[str]], ...], tuple[tuple[str, re.Pattern[str]], ...]]:
    def compiled(forms: dict[str, tuple[FailureMode, str]], end: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
        result = []
        for kind, (_, form) in forms.items():
            parts = re.split(r"{(\w)}", form)
            pattern = "".join(
                re.escape(part)
                if i % 2 == 0
                else f"(?P={part})"
                if part in parts[1:i:2]
                else f"(?P<{part}>{'|'.join(map(re.escape, SLOT_VALUES[part]))})"
                for i, part in enumerate(parts)
            )
            result.append((kind, re.compile(pattern + end)))
        return tuple(result)

    return compiled(FORMS, "$"), compiled(PREFIXES, ", ")


def parse_sentence(text: str) -> Sentence | None:
    """Inverse of `Sentence.text`; the full stop and the capital are optional. None when it is not in the grammar."""
    text = text.strip().rstrip(".").strip()
    if not text:
        return None
    text = text[0].lower() + text[1:]
    cores, prefixes = _patterns()
    prefix: Claim | None = None
    for kind, pattern in prefixes:
        if match := pattern.match(text):
            prefix = Claim(kind, tuple(match.groupdict().items()))
            text = text[match.end() :]
            break
    for kind, pattern in cores:
        if match := pattern.match(text):
            return Sentence(Claim(kind, tuple(match.groupdict().items())), prefix)
    return None


def parse_answer(text: str) -> tuple[Sentence | None, ...]:
    """Sentences in order; an unparseable one is None."""
    return tuple(parse_sentence(part) for part in re.split(r"(?<=\.)\s+", text.strip()) if part.strip())
