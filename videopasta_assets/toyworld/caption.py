"""Captions: what happens in a scene, in order, with seconds."""

from dataclasses import dataclass

from videopasta_assets.toyworld.claims import place_name
from videopasta_assets.toyworld.facts import opening, seconds
from videopasta_assets.toyworld.scene import Scene


@dataclass(frozen=True)
class TimedCaption:
    """One annotated moment: seconds from `start` to `end`, and a sentence."""

    start: float
    end: float
    text: str


def timed_captions(scene: Scene) -> tuple[TimedCaption, ...]:
    """Every event with its interval, in order; the first describes the opening."""
    shown = [f"the {thing.size} {thing.name} at the {place_name(thing.start_place)}" for thing in opening(scene)]
    text = f"The setting is {scene.settings[0]}, with {' and '.join(shown)}."
    if scene.mark is not None:
        name = next(thing.name for thing in scene.things if thing.colour == scene.mark)
        text = text[:-1] + f", and a mark of the {name}."
    events = [(0.0, scene.slot, text)]
    if scene.cut is not None:
        events.append((scene.cut, scene.cut + scene.slot, f"The setting becomes {scene.settings[1]}."))
    for thing in scene.things:
        events.append((thing.flash, thing.flash + scene.slot, f"The {thing.name} flashes."))
        for jump in thing.jumps:
            events.append(
                (jump.start, jump.start + scene.slot, f"The {thing.name} jumps to the {place_name(jump.to)}.")
            )
        for index, (start, end) in enumerate(thing.spans):
            if start > 0:
                verb = "returns" if index else "enters"
                events.append((start, start + scene.slot, f"The {thing.name} {verb}."))
            if end < scene.duration:
                events.append((end - scene.slot * 0.3, end, f"The {thing.name} leaves."))
    events.sort(key=lambda event: (event[0], event[2]))
    return tuple(TimedCaption(round(s, 3), round(min(e, scene.duration), 3), text) for s, e, text in events)


def caption(scene: Scene) -> str:
    """The events in one line, each after its second: `At 0 s: ... At 3 s: ...`."""
    return " ".join(f"At {seconds(event.start)} s: {event.text}" for event in timed_captions(scene))
