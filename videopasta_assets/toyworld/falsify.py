"""Fluent false answers: one falsifier for each adversarial strategy, and plausible wrong options.

A falsifier rewrites the answer's sentence of the intended mode and leaves the others as they are. What it returns is
checked against the scene: the sentence is false there.
"""

import random

from videopasta_assets.taxonomy import STRATEGIES, FailureMode
from videopasta_assets.toyworld.claims import (
    EDGES,
    GROUNDS,
    NAMES,
    NUMBERS,
    PLACES,
    VERBS,
    Claim,
    Sentence,
    claim,
    place_name,
)
from videopasta_assets.toyworld.facts import event_times, holds, seconds
from videopasta_assets.toyworld.questions import Question, true_answer
from videopasta_assets.toyworld.scene import COLOURS, COLUMNS, ROWS, SETTINGS, Scene

_MIRROR = {"left": "right", "right": "left", "top": "bottom", "bottom": "top"}


def falsify(scene: Scene, question: Question, strategy: str, rng: random.Random) -> tuple[Sentence, ...]:
    """The true answer with the sentence of the strategy's mode made false by that strategy."""
    mode = next(mode for mode, names in STRATEGIES.items() if strategy in names)
    return tuple(
        corrupted(scene, sentence.core, strategy, rng) if sentence.core.mode is mode else sentence
        for sentence in true_answer(scene, question)
    )


def corrupted(scene: Scene, core: Claim, strategy: str, rng: random.Random) -> Sentence:
    """A false sentence in place of `core`, in the manner of the strategy; its mode is the core's."""
    wrong = _in_manner(scene, core, strategy) or wrong_claims(scene, core, rng)
    return Sentence(wrong[0], _prefix(scene, core, strategy, rng))


def _prefix(  # noqa: PLR0911 - a table of strategies
    scene: Scene, core: Claim, strategy: str, rng: random.Random
) -> Claim | None:
    """The phrase with which a strategy opens, where it has one."""
    present = [thing.name for thing in scene.things]
    subject = dict(core.slots).get("x") or present[0]
    others = [name for name in present if name != subject] or present
    match strategy:
        case "equidistant":
            return claim("equidistant")
        case "false_presupposition":
            colours = {thing.colour for thing in scene.things}
            return claim("presupposed", y=rng.choice([name for name in NAMES if name.split()[0] not in colours]))
        case "negated_presence":
            return claim("absent", y=rng.choice(others))
        case "simultaneous" if len({thing.flash for thing in scene.things}) > 1:
            return claim("at_once")
        case "merged_phases":
            return claim("one_action")
        case "false_temporal_relation":
            return claim("flashback")
        case "unrelated_object":
            return claim("new_object", y=subject)
        case "different_identity":
            return claim("other_one", y=subject)
        case "close_up_shift":
            return claim("close_up")
    return None


def _in_manner(scene: Scene, core: Claim, strategy: str) -> list[Claim]:
    """False claims that look like the strategy; empty where it has none for this claim."""
    slots = dict(core.slots)
    options: list[Claim] = []
    match strategy:
        case "mirrored_relation":
            options = [_mirrored(core)]
        case "all_visible" if core.kind == "hidden":
            options = [claim("visible", x=slots["x"], p=slots["p"])]
        case "reordered":
            options = _reordered(scene, core)
        case "concurrency_swap" | "simultaneous":
            options = _swapped(scene, core)
        case "reversed_progression":
            options = _reversed(core)
        case "nothing_changed" | "collapsed_locations" | "close_up_shift":
            options = _static(scene, core, last=strategy == "collapsed_locations")
    return [option for option in options if option != core and not holds(option, scene)]


def _mirrored(core: Claim) -> Claim:
    def mirror(text: str) -> str:
        row, column = text.split()
        return f"{row} {_MIRROR[column]}" if column in _MIRROR else f"{_MIRROR.get(row, row)} {column}"

    slots = {name: mirror(value) if name in "pqt" else value for name, value in core.slots}
    if "o" in slots:
        slots["o"] = "right of" if slots["o"] == "left of" else "left of"
    if "h" in slots:
        slots["h"] = _MIRROR[slots["h"]]
    if "e" in slots:
        slots["e"] = EDGES[ROWS.index(slots["p"].split()[0])]
    return claim(core.kind, **slots)


def _reordered(scene: Scene, core: Claim) -> list[Claim]:
    slots = dict(core.slots)
    flip = {"before": "after", "after": "before", "ends_before": "ends_after", "ends_after": "ends_before"}
    if core.kind in flip:
        return [claim(flip[core.kind], x=slots["x"], s=slots["r"], y=slots["y"], r=slots["s"])]
    if core.kind == "apart":
        return [core.replaced(s=slots["r"], r=slots["s"])]
    return [core.replaced(s=str(seconds(scene.duration - float(slots["s"]))))]


def _swapped(scene: Scene, core: Claim) -> list[Claim]:
    slots = dict(core.slots)
    if core.kind == "apart":
        return [claim("together", x=slots["x"], y=slots["y"], s=slots["s"], r=slots["s"])]
    if core.kind == "together":
        late = _wrong_seconds(scene, slots["s"])
        return [claim("apart", x=slots["x"], s=slots["s"], y=slots["y"], r=second) for second in late]
    if core.kind in ("before", "after", "ends_before", "ends_after"):
        return [claim("together", x=slots["x"], y=slots["y"], s=slots["s"], r=slots["s"])]
    others = [str(seconds(thing.flash)) for thing in scene.things]
    return [core.replaced(s=second) for second in others]


def _reversed(core: Claim) -> list[Claim]:  # noqa: PLR0911 - a table of forms
    slots = dict(core.slots)
    x = slots.get("x", "")
    match core.kind:
        case "changes":
            return [claim("changes", a=slots["b"], b=slots["a"])]
        case "stays":
            return [claim("changes", a=_next_setting(slots["a"]), b=slots["a"])]
        case "only_start":
            return [claim("only_end", x=x, q=slots["p"])]
        case "only_end":
            return [claim("only_start", x=x, p=slots["q"])]
        case "both_ends":
            return [claim("both_ends", x=x, p=slots["q"], q=slots["p"])]
        case "gone":
            return [claim("late", x=x, s=slots["s"])]
        case "late":
            return [claim("gone", x=x, s=slots["s"])]
        case "comes_back":
            return [claim("late", x=x, s=slots["r"])]
        case "announced":
            return [claim("no_mark", x=x, m="missing")]
        case "no_mark":
            return [claim("announced", x=x, m=x.split()[0])]
        case "jumps_once":
            return [core.replaced(p=slots["q"], q=slots["p"])]
        case "jumps_twice":
            return [core.replaced(p=slots["t"], t=slots["p"])]
    return []


def _static(scene: Scene, core: Claim, last: bool) -> list[Claim]:  # noqa: PLR0911 - a table of forms
    slots = dict(core.slots)
    x = slots.get("x", "")
    match core.kind:
        case "changes":
            return [claim("stays", a=scene.settings[-1 if last else 0])]
        case "stays":
            return [claim("stays", a=_next_setting(slots["a"]))]
        case "only_start" | "only_end":
            place = slots.get("p") or slots["q"]
            return [claim("both_ends", x=x, p=place, q=place)]
        case "both_ends":
            place = slots["q" if last else "p"]
            return [claim("both_ends", x=x, p=place, q=place)]
        case "comes_back" | "gone" | "late":
            return [claim("never_leaves", x=x)]
        case "jumps_once" | "jumps_twice":
            return [claim("never_jumps", x=x, p=slots["q" if last else "p"])]
        case "announced":
            return [claim("no_mark", x=x, m="missing")]
    return []


def _next_setting(setting: str) -> str:
    """One setting for each other: a spoiler that depends on what is seen can be learnt, a drawn one cannot."""
    return SETTINGS[(SETTINGS.index(setting) + 1) % len(SETTINGS)]


def _wrong_seconds(scene: Scene, second: str) -> list[str]:
    """Seconds within the video that are clearly elsewhere, three tolerances away where the video is long enough."""
    near = 0.5 + 0.06 * scene.duration
    for factor in (3.0, 2.0):
        found = [str(s) for s in range(int(scene.duration) + 1) if abs(s - int(second)) > factor * near]
        if found:
            return found
    return [str(s) for s in (20, 10, 0)]


def wrong_claims(  # noqa: PLR0912, PLR0915 - one case for each form
    scene: Scene, core: Claim, rng: random.Random
) -> list[Claim]:
    """Plausible false claims that answer the same question, shuffled; at least one, three wherever the form allows."""
    slots = dict(core.slots)
    names = [thing.name for thing in scene.things]
    x = slots.get("x")
    places = [place for place in PLACES if place not in (slots.get("p"), slots.get("q"))]
    rng.shuffle(places)
    options: list[Claim] = []
    match core.kind:
        case "starts" | "at" | "goes":
            options = [core.replaced(p=place) for place in places]
        case "hidden" | "visible":
            others = [name for name in names if name != x]
            options = [claim("hidden", x=x or "", y=other, p=slots["p"]) for other in others]
            options += [claim("visible", x=x or "", p=place) for place in (slots["p"], places[0], places[1])]
            options.append(claim("hidden", x=x or "", y=rng.choice(others), p=places[0]))
        case "closest" | "farthest":
            for thing in scene.things:
                options.append(claim(core.kind, x=thing.name, p=place_name(thing.start_place)))
            options += [core.replaced(p=place) for place in places[:2]]
        case "third":
            options = [core.replaced(n=number) for number in NUMBERS]
        case "side":
            other = "right of" if slots["o"] == "left of" else "left of"
            options = [core.replaced(o=other), core.replaced(o=other, p=slots["q"], q=slots["p"])]
            options += [core.replaced(p=places[0]), core.replaced(q=places[1])]
        case "ground":
            options = [core.replaced(g=ground) for ground in GROUNDS] + [core.replaced(p=places[0])]
        case "edge":
            column = slots["p"].split()[1]
            options = [core.replaced(e=edge, p=f"{row} {column}") for edge, row in zip(EDGES, ROWS, strict=True)]
            options += [core.replaced(p=f"{slots['p'].split()[0]} {other}") for other in COLUMNS]
        case "stays" | "changes":
            a = slots["a"]
            b = slots.get("b") or rng.choice([setting for setting in SETTINGS if setting != a])
            c = rng.choice([setting for setting in SETTINGS if setting not in (a, b)])
            options = [claim("stays", a=a), claim("stays", a=b), claim("changes", a=a, b=b)]
            options += [claim("changes", a=b, b=a), claim("changes", a=a, b=c)]
        case "setting":
            options = [core.replaced(a=setting) for setting in SETTINGS]
        case "both_ends" | "only_start" | "only_end" | "neither_end":
            p, q = slots.get("p") or places[0], slots.get("q") or places[1]
            options = [claim(kind, x=x or "", p=p, q=q) for kind in ("both_ends", "only_start", "only_end")]
            options += [claim("neither_end", x=x or ""), claim("both_ends", x=x or "", p=p, q=places[2])]
        case "never_leaves" | "comes_back" | "gone" | "late":
            options = _wrong_presences(scene, core, x or "", rng)
        case "jumps_once" | "jumps_twice" | "never_jumps" | "always_jumps":
            p = slots.get("p") or places[0]
            q, t, u = ([slots[name] for name in "qt" if name in slots] + [o for o in places if o != p])[:3]
            options = [claim("never_jumps", x=x or "", p=p), claim("jumps_once", x=x or "", p=p, q=q)]
            options += [claim("jumps_twice", x=x or "", p=p, q=q, t=t), claim("jumps_once", x=x or "", p=p, q=u)]
        case "announced" | "no_mark":
            colour = (x or "").split()[0]
            shown = scene.mark or rng.choice([name.split()[0] for name in names])
            others = [name for name in COLOURS if name not in (colour, shown)]
            options = [claim("announced", x=x or "", m=colour), claim("no_mark", x=x or "", m="missing")]
            options += [claim("no_mark", x=x or "", m=m) for m in (shown, *rng.sample(others, 2)) if m != colour]
        case _:
            options = _wrong_times(scene, core, x or "", rng)
    wrong = list(dict.fromkeys(option for option in options if option != core and not holds(option, scene)))
    if not wrong:
        wrong = [core.replaced(s=s) for s in ("0", "10", "20") if not holds(core.replaced(s=s), scene)][:1]
    rng.shuffle(wrong)
    return wrong


def _wrong_presences(scene: Scene, core: Claim, x: str, rng: random.Random) -> list[Claim]:
    slots = dict(core.slots)
    early, late = sorted(rng.sample(range(1, max(4, int(scene.duration))), 2))
    s, r = int(slots.get("s", early)), int(slots.get("r", late))
    options = [claim("never_leaves", x=x), claim("gone", x=x, s=s), claim("late", x=x, s=s)]
    options.append(claim("comes_back", x=x, s=s, r=r if r > s else min(20, s + 2)))
    options += [core.replaced(s=second) for second in _wrong_seconds(scene, str(s))[:1] if "s" in slots]
    return options


def _wrong_times(scene: Scene, core: Claim, x: str, rng: random.Random) -> list[Claim]:
    slots = dict(core.slots)
    late = _wrong_seconds(scene, slots["s"])
    rng.shuffle(late)
    options = [
        core.replaced(s=second, r=second) if core.kind == "together" else core.replaced(s=second) for second in late[:2]
    ]
    match core.kind:
        case "before" | "after" | "ends_before" | "ends_after":
            options += _reordered(scene, core)
            options += [core.replaced(r=second) for second in _wrong_seconds(scene, slots["r"])[:1]]
        case "together" | "apart":
            options += _swapped(scene, core) + _reordered(scene, core)
        case "touched" | "alone":
            others = [thing.name for thing in scene.things if thing.name != x]
            options += [claim("touched", x=x, s=slots["s"], y=other) for other in others]
            options += [claim("alone", x=x, s=slots["s"])]
        case "happens":
            times = [t for thing in scene.things for verb in VERBS for t in event_times(thing, verb)]
            options += [core.replaced(s=str(seconds(t))) for t in times] + [core.replaced(s=s) for s in late[2:4]]
        case _:
            options += [core.replaced(s=second) for second in late[2:4]]
    return options


def strategy_mode(strategy: str) -> FailureMode:
    return next(mode for mode, names in STRATEGIES.items() if strategy in names)
