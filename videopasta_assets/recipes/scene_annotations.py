"""Scene annotations from files: FineVideo's layout, timed captions, and a plain one.

FineVideo: `content_metadata.scenes[].activities[]`, each with a description and "HH:MM:SS.mmm" timestamps; a scene
lasts from its first activity's start to its last one's end, and a scene without activities is none. Plain: `scenes[]`
with `start`, `end` in seconds and `text`. Timed captions (toyworld's annotations): `captions[]` of the same form and a
`duration`; events may overlap, and a scene lasts from one event's start to the next one's.
"""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from videopasta_assets.errors import UserError
from videopasta_assets.recipes.timeline import Scene, check_scenes

SHORTEST_SECONDS: Final = 0.5
"""Events that follow each other more closely than that share a scene."""

_SAME_LENGTH: Final = 1.0
"""Seconds that the length which annotations state may differ from the video's: FineVideo rounds."""

_CLOCK: Final = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:\.\d+)?)")


def load_annotations(path: Path, seconds: float | None = None) -> tuple[Scene, ...]:
    """Scenes of one video's annotation file, in its order, not trimmed yet.

    Args:
        path: the file.
        seconds: length of the video that they have to fit; None: they are read alone.

    Raises:
        UserError: no JSON, neither layout, or another video's; it says what is wrong and in which scene.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"the annotations are no JSON ({error})", where=path.name) from error
    try:
        scenes = parse_annotations(data)
        if seconds is not None:
            check_stated_length(data, seconds)
            check_scenes(scenes, seconds)
    except UserError as error:
        raise UserError(error.what, where=path.name, fix=error.fix) from error
    return scenes


def check_stated_length(data: dict[str, Any], seconds: float) -> None:
    """Refuse annotations that state another length than the video's (`duration`; FineVideo: `duration_seconds`).

    Raises:
        UserError: it differs by more than rounding.
    """
    stated = data.get("duration_seconds", data.get("duration"))
    if isinstance(stated, bool) or not isinstance(stated, int | float):
        return
    if abs(stated - seconds) > _SAME_LENGTH:
        raise UserError(
            f"the annotations are for a video of {stated:g} s and this one has {seconds:.2f} s: "
            "they are not this video's"
        )


def parse_annotations(data: Any) -> tuple[Scene, ...]:
    """Scenes of either layout.

    Raises:
        UserError: it is neither.
    """
    metadata = data.get("content_metadata") if isinstance(data, dict) else None
    if isinstance(metadata, dict) and isinstance(metadata.get("scenes"), list):
        found = [_finevideo(scene, number) for number, scene in enumerate(metadata["scenes"], 1)]
        return tuple(scene for scene in found if scene is not None)
    if isinstance(data, dict) and isinstance(data.get("scenes"), list):
        return tuple(_plain(scene, number, "scene") for number, scene in enumerate(data["scenes"], 1))
    if isinstance(data, dict) and isinstance(data.get("captions"), list):
        events = [_plain(event, number, "caption") for number, event in enumerate(data["captions"], 1)]
        return scenes_of_events(events, data.get("duration"))
    raise UserError(
        "these are no scene annotations",
        fix="Give content_metadata.scenes as FineVideo does, or scenes (or timed captions and a duration) with start, "
        "end (seconds) and text.",
    )


def scenes_of_events(events: Sequence[Scene], duration: Any) -> tuple[Scene, ...]:
    """The video cut where events start, each piece with the sentences of what starts in it; the first begins at 0.

    Raises:
        UserError: `duration` is no length of a video that holds the events.
    """
    if isinstance(duration, bool) or not isinstance(duration, int | float) or not duration > 0:
        raise UserError(f"timed captions want the video's duration in seconds, not {duration!r}")
    ordered = sorted(events, key=lambda event: event.start)
    if ordered and not 0 <= ordered[0].start <= ordered[-1].start < duration:
        raise UserError(f"a caption starts outside the video of {duration:g} s")
    pieces: list[tuple[float, list[str]]] = []
    for event in ordered:
        if pieces and (event.start - pieces[-1][0] < SHORTEST_SECONDS or duration - event.start < SHORTEST_SECONDS):
            pieces[-1][1].append(event.text)
        else:
            pieces.append((event.start if pieces else 0.0, [event.text]))
    ends = [*(start for start, _ in pieces[1:]), float(duration)]
    return tuple(Scene(start, end, " ".join(texts)) for (start, texts), end in zip(pieces, ends, strict=True))


def seconds_of(clock: Any) -> float:
    """Seconds of "HH:MM:SS.mmm" or "MM:SS.mmm".

    Raises:
        UserError: it is no such text.
    """
    found = _CLOCK.fullmatch(clock.strip()) if isinstance(clock, str) else None
    if found is None:
        raise UserError(f"{clock!r} is no time", fix="Write HH:MM:SS.mmm.")
    hours, minutes, seconds = found.groups()
    return int(hours or 0) * 3600 + int(minutes) * 60 + float(seconds)


def _finevideo(scene: Any, number: int) -> Scene | None:
    activities = scene.get("activities") if isinstance(scene, dict) else None
    if not isinstance(activities, list):
        raise UserError(f"scene {number} has no list of activities")
    if not activities:
        return None
    try:
        texts = [str(activity["description"]).strip() for activity in activities]
        start = seconds_of(activities[0]["timestamp"]["start_timestamp"])
        end = seconds_of(activities[-1]["timestamp"]["end_timestamp"])
    except (KeyError, TypeError) as error:
        raise UserError(f"an activity of scene {number} lacks {error}") from error
    except UserError as error:
        raise UserError(f"scene {number}: {error.what}", fix=error.fix) from error
    return Scene(start, end, " ".join(texts))


def _plain(scene: Any, number: int, what: str) -> Scene:
    try:
        return Scene(float(scene["start"]), float(scene["end"]), str(scene["text"]).strip())
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{what} {number} wants start, end and text ({error})") from error
