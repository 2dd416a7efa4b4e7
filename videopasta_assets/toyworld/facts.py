"""Exact truth of every claim in a scene."""

from videopasta_assets.toyworld.claims import EDGES, GROUNDS, Claim, place_name
from videopasta_assets.toyworld.scene import SIZES, Place, Scene, Thing


def tolerance(scene: Scene) -> float:
    """How far a stated second may be from the event: rounding plus about half a sampling step."""
    return 0.5 + 0.06 * scene.duration


def seconds(time: float) -> int:
    return int(time + 0.5)


def opening(scene: Scene) -> tuple[Thing, ...]:
    return tuple(thing for thing in scene.things if thing.present(0.0))


def closest(scene: Scene) -> Thing:
    return max(scene.things, key=lambda thing: SIZES.index(thing.size))


def farthest(scene: Scene) -> Thing:
    return min(scene.things, key=lambda thing: SIZES.index(thing.size))


def hider(scene: Scene, thing: Thing) -> Thing | None:
    """What partly hides `thing` in the opening."""
    return next(
        (
            other
            for other in opening(scene)
            if other is not thing
            and other.start_place == thing.start_place
            and SIZES.index(other.size) > SIZES.index(thing.size)
        ),
        None,
    )


def end_place(scene: Scene, thing: Thing) -> Place:
    """Cell in which the video ends for it."""
    return thing.place(scene.duration)


def event_times(thing: Thing, verb: str) -> tuple[float, ...]:
    """Seconds at which the thing jumps, enters, leaves or returns."""
    if verb == "jumps":
        return tuple(jump.start for jump in thing.jumps)
    if verb == "enters":
        return (thing.spans[0][0],) if thing.presence == "enters" else ()
    if verb == "leaves":
        return (thing.spans[0][1],) if thing.presence in ("leaves", "returns") else ()
    return (thing.spans[1][0],) if thing.presence == "returns" else ()


def holds(claim: Claim, scene: Scene) -> bool:  # noqa: PLR0911, PLR0912 - a table of truths reads best as one
    """Whether the claim is true of the scene; a claim about a thing that is not there is false (except its absence)."""
    slots = dict(claim.slots)
    near = tolerance(scene)
    things = {thing.name: thing for thing in scene.things}

    def about(stated: str, actual: float) -> bool:
        return abs(int(stated) - actual) <= near

    if claim.kind in ("absent", "presupposed"):
        return (slots["y"] in things) == (claim.kind == "presupposed")
    if claim.kind in _NEVER:
        return False
    if claim.kind == "at_once":
        return len({thing.flash for thing in scene.things}) == 1
    if any(slots[name] not in things for name in ("x", "y") if name in slots):
        return False
    x = things.get(slots.get("x", ""))
    y = things.get(slots.get("y", ""))
    if x is None:
        return _holds_of_the_whole(claim, scene, slots)
    p = slots.get("p")
    start = place_name(x.start_place)
    match claim.kind:
        case "starts":
            return p == start
        case "at":
            second = float(slots["s"])
            return x.present(second) and p in {place_name(x.place(second + d * near)) for d in (-0.5, 0, 0.5)}
        case "goes":
            return any(p == place_name(jump.to) for jump in x.jumps)
        case "hidden":
            return y is not None and hider(scene, x) is y and x.present(0) and p == start
        case "visible":
            return x.present(0) and hider(scene, x) is None and p == start
        case "closest":
            return closest(scene) is x and p == start
        case "farthest":
            return farthest(scene) is x and p == start
        case "side":
            if y is None or not (x.present(0) and y.present(0)):
                return False
            left = x.start_place[1] < y.start_place[1]
            right = x.start_place[1] > y.start_place[1]
            placed = p == start and slots["q"] == place_name(y.start_place)
            return placed and (left if slots["o"] == "left of" else right)
        case "ground":
            return GROUNDS[SIZES.index(x.size)] == slots["g"] and p == start
        case "edge":
            return EDGES[x.start_place[0]] == slots["e"] and p == start
        case "both_ends" | "only_start" | "only_end":
            placed = p in (None, start) and slots.get("q") in (None, place_name(end_place(scene, x)))
            return x.presence in _PRESENCES[claim.kind] and placed
        case "never_leaves" | "comes_back" | "gone" | "late":
            times = [time for span in x.spans for time in span if 0 < time < scene.duration]
            stated = [slots[name] for name in "sr" if name in slots]
            return x.presence in _PRESENCES[claim.kind] and all(map(about, stated, times))
        case "jumps_once" | "jumps_twice" | "never_jumps":
            path = [place_name(place) for place in (x.start_place, *(jump.to for jump in x.jumps))]
            return path == [slots[name] for name in "pqt" if name in slots]
        case "announced" | "no_mark":
            marked = slots["m"] == (scene.mark or "missing")
            return marked and (scene.mark == x.colour) == (claim.kind == "announced")
        case "happens":
            return any(about(slots["s"], time) for time in event_times(x, slots["v"]))
    if claim.kind in ("ends_before", "ends_after") and y is not None:
        end = x.flash + scene.slot
        ordered = end <= y.flash if claim.kind == "ends_before" else end > y.flash
        return ordered and about(slots["s"], end) and about(slots["r"], y.flash)
    if not about(slots["s"], x.flash):
        return False
    if y is None:
        return claim.kind == "flashes" or (claim.kind == "alone" and x.caused_by is None)
    return {
        "touched": x.caused_by == y.colour,
        "together": x.flash == y.flash and about(slots.get("r", "0"), y.flash),
        "apart": x.flash != y.flash and about(slots.get("r", "0"), y.flash),
        "before": x.flash < y.flash and about(slots.get("r", "0"), y.flash),
        "after": x.flash > y.flash and about(slots.get("r", "0"), y.flash),
    }[claim.kind]


_NEVER = (
    *("equidistant", "one_action", "flashback", "new_object", "other_one", "close_up"),
    *("neither_end", "always_jumps"),
)
"""What this world has not: sizes differ, nothing is a memory, a colour is one object, the picture never zooms."""

_PRESENCES = {
    "both_ends": ("throughout", "returns"),
    "never_leaves": ("throughout",),
    "only_start": ("leaves",),
    "gone": ("leaves",),
    "only_end": ("enters",),
    "late": ("enters",),
    "comes_back": ("returns",),
}


def _holds_of_the_whole(claim: Claim, scene: Scene, slots: dict[str, str]) -> bool:
    near = tolerance(scene)
    match claim.kind:
        case "third":
            column = 0 if slots["h"] == "left" else 2
            count = sum(thing.start_place[1] == column for thing in opening(scene))
            return ("none", "one", "two", "three")[count] == slots["n"]
        case "first_flash":
            return abs(int(slots["s"]) - min(thing.flash for thing in scene.things)) <= near
        case "cut":
            return scene.cut is not None and abs(int(slots["s"]) - scene.cut) <= near
        case "setting":
            return slots["a"] in {scene.setting(float(slots["s"]) + d * near) for d in (-0.5, 0, 0.5)}
        case "stays":
            return scene.settings == (slots["a"],)
        case _:
            return scene.settings == (slots.get("a"), slots.get("b"))
