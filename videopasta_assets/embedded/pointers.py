"""Where in the video a word of a reply comes from.

A second, a place or a size in a reply has to be found: two of seventy-two video tokens show the flash that it is
about. Left to the replies' loss alone, attention had not found them after 2,500 steps. So training also says, for words
of true replies, which video tokens show what they are about, and one head in each of two layers is asked to look there.
"""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from videopasta_assets.toyworld.claims import FORMS, PREFIXES, Claim, parse_answer
from videopasta_assets.toyworld.facts import closest, event_times, farthest, holds, opening
from videopasta_assets.toyworld.render import COLOUR_LABELS, FLASH_LABELS
from videopasta_assets.toyworld.scene import COLOURS, Scene, Thing

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Pointer:
    """The word that starts at character `start` of a reply comes from the video tokens in `mask`."""

    start: int
    mask: Mask


def pointers(scene: Scene, reply: str, labels: NDArray[np.float32]) -> tuple[Pointer, ...]:
    """Pointers of the words of every true claim in `reply`, in order; in a question or a caption, of the things' names.

    `labels` has shape (steps, 9, labels) as from `cell_labels`.
    """
    seen = Sight(scene, labels)
    sentences = parse_answer(reply)
    found: list[Pointer] = []
    start = 0
    for sentence in sentences:
        if sentence is None:
            return seen.names(reply)
        if holds(sentence.core, scene):
            prefix = 0 if sentence.prefix is None else len(sentence.prefix.text) + 2
            for word, mask in seen.words(sentence.core):
                if mask is not None and mask.any():
                    at = offset(sentence.core, word)
                    found.append(Pointer(start + prefix + at, mask.reshape(-1)))
        start += len(sentence.text) + 1
    return tuple(sorted(found, key=lambda pointer: pointer.start))


def offset(claim: Claim, word: str) -> int:
    """Character of `claim.text` at which a slot (by its letter) or a literal word begins."""
    slots = dict(claim.slots)
    if word not in slots:
        return claim.text.index(word)
    form = (FORMS.get(claim.kind) or PREFIXES[claim.kind])[1]
    before = form[: form.index(f"{{{word}}}")]
    return len(re.sub(r"{(\w)}", lambda match: slots[match[1]], before))


class Sight:
    """What of a scene each video token shows; masks have shape (steps, 9)."""

    def __init__(self, scene: Scene, labels: NDArray[np.float32]) -> None:
        self.scene, self.labels = scene, labels
        self.steps = len(labels)
        self.things = {thing.name: thing for thing in scene.things}

    def names(self, text: str) -> tuple[Pointer, ...]:
        """Pointers of the colour and the shape of every thing that `text` names."""
        found = []
        for name, thing in self.things.items():
            mask = self._colour(thing).reshape(-1)
            if mask.any():
                for match in re.finditer(rf"\b{name}\b", text):
                    found += [Pointer(match.start() + at, mask) for at in (0, len(thing.colour) + 1)]
        return tuple(sorted(found, key=lambda pointer: pointer.start))

    def words(self, claim: Claim) -> list[tuple[str, Mask | None]]:  # noqa: PLR0911, PLR0912 - a table of forms
        """(slot letter or literal word, tokens that show it) of a true claim."""
        slots = dict(claim.slots)
        x = self.things.get(slots.get("x", ""))
        y = self.things.get(slots.get("y", ""))
        scene = self.scene
        match claim.kind:
            case "cut" if scene.cut is not None:
                return [("s", self._step(self._at(scene.cut)))]
            case "first_flash":
                return [("s", self._flash(min(scene.things, key=lambda thing: thing.flash)))]
            case "third":
                column = 0 if slots["h"] == "left" else 2
                mask = self._step(0)
                occupied = np.zeros_like(mask)
                for thing in opening(scene):
                    occupied |= self._first(thing)
                mask &= occupied
                mask[:, [c for c in range(9) if c % 3 != column]] = False
                return [("n", mask)]
            case "announced" | "no_mark":
                mask = self._step(0)
                mask[:, [c for c in range(9) if c != 2]] = False
                return [("m", mask)]
            case "setting":
                return [("a", self._step(self._at(float(slots["s"]))))]
            case "stays":
                return [("a", self._step(0)), (f"{slots['a']} at the end", self._step(self.steps - 1))]
            case "changes":
                return [("a", self._step(0)), ("b", self._step(self.steps - 1))]
        if x is None:
            return []
        match claim.kind:
            case "starts" | "edge":
                return [("p", self._first(x)), *([("e", self._first(x))] if claim.kind == "edge" else [])]
            case "at":
                near = self._colour(x) & self._step(self._at(float(slots["s"])))
                return [("p", near)]
            case "goes":
                return [("p", self._cell(x, x.jumps[-1].to))] if x.jumps else []
            case "hidden" | "visible":
                decision = "partly" if claim.kind == "hidden" else "fully"
                return [("p", self._first(x)), (decision, self._first(x)), *([("y", self._first(x))] if y else [])]
            case "closest" | "farthest":
                best = closest(scene) if claim.kind == "closest" else farthest(scene)
                return [("x", self._colour(best)), ("p", self._first(x))]
            case "side" if y is not None:
                return [("q", self._first(y)), ("p", self._first(x))]
            case "ground":
                return [("p", self._first(x)), ("g", self._colour(x))]
            case "both_ends" | "only_start" | "only_end":
                here, there = self._first(x), self._last(x)
                found = [("at the", here), ("p", here)] if "p" in slots else [("missing", self._step(0))]
                if "q" not in slots:
                    return [*found, ("gone", self._step(self.steps - 1))]
                return [*found, (f"at the {slots['q']} at the end", there), ("q", there)]
            case "never_leaves" | "gone" | "late" | "comes_back":
                return self._presence(claim, x)
            case "never_jumps" | "jumps_once" | "jumps_twice":
                cells = [self._cell(x, place) for place in (x.start_place, *(jump.to for jump in x.jumps))]
                last = self._last_seen(x)
                if len(cells) == 1:
                    return [("p", self._first(x)), (f"{slots['p']}, it", last)]
                ends: list[tuple[str, Mask | None]] = [("p", self._first(x)), ("t" if len(cells) == 3 else "q", last)]
                return ends if len(cells) == 2 else [*ends, ("after", cells[1]), ("q", cells[1])]
            case "happens":
                around = self._step(self._at(event_times(x, slots["v"])[0]))
                around[:-1] |= around[1:]
                return [("s", self._colour(x) & around)]
            case "touched" | "alone":
                decision = "because" if claim.kind == "touched" else "on its own"
                caused = [("y", self._flash(x))] if y is not None else []
                return [("s", self._flash(x)), (decision, self._flash(x)), *caused]
        return [(slot, self._flash(thing)) for slot, thing in (("s", x), ("r", y)) if slot in slots and thing]

    def _presence(self, claim: Claim, x: Thing) -> list[tuple[str, Mask | None]]:
        shown = np.flatnonzero(self._colour(x).any(1))
        if not len(shown):
            return []
        gaps = np.flatnonzero(np.diff(shown) > 1)
        colour = self._colour(x)
        left = shown[gaps[0]] if len(gaps) else shown[-1]
        first, last = colour & self._step(int(shown[0])), colour & self._step(int(left))
        match claim.kind:
            case "never_leaves":
                return [("the start", first), ("the end", last)]
            case "gone":
                return [("the start", first), ("s", last), ("never", last)]
            case "late":
                return [("s", first), ("the end", colour & self._step(int(shown[-1])))]
        again = colour & self._step(int(shown[gaps[0] + 1])) if len(gaps) else None
        return [("the start", first), ("s", last), ("again", again), ("r", again)]

    def _at(self, time: float) -> int:
        return min(self.steps - 1, int(time / self.scene.duration * self.steps))

    def _step(self, step: int) -> Mask:
        mask = np.zeros((self.steps, 9), bool)
        mask[step] = True
        return mask

    def _colour(self, thing: Thing) -> Mask:
        return np.asarray(self.labels[..., COLOUR_LABELS.start + COLOURS.index(thing.colour)] > 0)

    def _flash(self, thing: Thing) -> Mask:
        return np.asarray(self.labels[..., FLASH_LABELS.start + COLOURS.index(thing.colour)] > 0)

    def _cell(self, thing: Thing, place: tuple[int, int]) -> Mask:
        mask = self._colour(thing)
        mask[:, [c for c in range(9) if c != place[0] * 3 + place[1]]] = False
        return mask

    def _first(self, thing: Thing) -> Mask:
        """Its first two steps in the cell that it starts in: one alone may be its entrance."""
        mask = self._cell(thing, thing.start_place)
        shown = np.flatnonzero(mask.any(1))
        mask[shown[0] + 2 if len(shown) else 0 :] = False
        return mask

    def _last_seen(self, thing: Thing) -> Mask:
        """The last two steps that it is there, in the cell that it ends in."""
        mask = self._cell(thing, thing.jumps[-1].to if thing.jumps else thing.start_place)
        shown = np.flatnonzero(mask.any(1))
        mask[: max(0, shown[-1] - 1) if len(shown) else 0] = False
        return mask

    def _last(self, thing: Thing) -> Mask:
        mask = self._colour(thing)
        mask[:-1] = False
        return mask
