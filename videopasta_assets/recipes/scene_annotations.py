"""Scene annotations from files: FineVideo's layout, and a plain one.

FineVideo: `content_metadata.scenes[].activities[]`, each with a description and "HH:MM:SS.mmm" timestamps; a scene
lasts from its first activity's start to its last one's end, and a scene without activities is none. Plain: `scenes[]`
with `start`, `end` in seconds and `text`.
"""

import json
import re
from pathlib import Path
from typing import Any, Final

from videopasta_assets.errors import UserError
from videopasta_assets.recipes.timeline import Scene

_CLOCK: Final = re.compile(r"(?:(\d+):)?(\d{1,2}):(\d{1,2}(?:\.\d+)?)")


def load_annotations(path: Path) -> tuple[Scene, ...]:
    """Scenes of one video's annotation file, in its order, not trimmed yet.

    Raises:
        UserError: no JSON, or neither layout; it says what is wrong and in which scene.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"the annotations are no JSON ({error})", where=path.name) from error
    try:
        return parse_annotations(data)
    except UserError as error:
        raise UserError(error.what, where=path.name, fix=error.fix) from error


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
        return tuple(_plain(scene, number) for number, scene in enumerate(data["scenes"], 1))
    raise UserError(
        "these are no scene annotations",
        fix="Give content_metadata.scenes as FineVideo does, or scenes with start, end (seconds) and text.",
    )


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


def _plain(scene: Any, number: int) -> Scene:
    try:
        return Scene(float(scene["start"]), float(scene["end"]), str(scene["text"]).strip())
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"scene {number} wants start, end and text ({error})") from error
