"""Film strips of a video's dense and sparse frames: one JPEG a plan, frames in rows, without captions.

The page writes the times over the frames itself, from the layout; so it knows a strip's size before the picture came.
"""

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from PIL import Image

from videopasta_assets.lake import Row
from videopasta_assets.lake.files import replace_file
from videopasta_assets.stages.project import Project
from videopasta_assets.stages.sampled_videos import clip_of
from videopasta_assets.video.guard import UnreadableVideo

Role = Literal["dense", "sparse"]
ROLES: Final[tuple[Role, ...]] = ("dense", "sparse")

_HEIGHT: Final = 96
_MOST_FRAMES: Final = 16
_COLUMNS: Final = 8
_QUALITY: Final = 80


@dataclass(frozen=True)
class StripLayout:
    """Where frames are in a strip.

    Attributes:
        shown: places within the plan, evenly chosen where the plan has more frames than a strip.
        columns: frames in a row.
        width: of one frame, in pixels.
        height: likewise.
    """

    shown: tuple[int, ...]
    columns: int
    width: int
    height: int = _HEIGHT

    @property
    def size(self) -> tuple[int, int]:
        """Width and height of the whole picture, in pixels."""
        return self.columns * self.width, -(-len(self.shown) // self.columns) * self.height


def layout_of(row: Row, role: Role) -> StripLayout:
    """The layout of a `sampled_videos` row's strip."""
    frames = len(row[f"{role}_frames"])
    count = min(frames, _MOST_FRAMES)
    shown = tuple((2 * place + 1) * frames // (2 * count) for place in range(count))
    width = max(32, round(row["width"] * _HEIGHT / max(1, row["height"])))
    return StripLayout(shown, min(_COLUMNS, max(1, count)), min(width, 4 * _HEIGHT))


def strip_json(row: Row, role: Role) -> dict[str, Any]:
    """What the page has to know of a strip."""
    layout = layout_of(row, role)
    return {
        "frames": len(row[f"{role}_frames"]),
        "shown": [[row[f"{role}_frames"][place], round(row[f"{role}_timestamps"][place], 3)] for place in layout.shown],
        "columns": layout.columns,
        "width": layout.size[0],
        "height": layout.size[1],
        "plan": row[f"{role}_plan"],
    }


def draw_strip(project: Project, row: Row, role: Role) -> bytes:
    """JPEG of a `sampled_videos` row's strip.

    Raises:
        UnreadableVideo: the file is gone, or is not the one that was sampled.
    """
    layout = layout_of(row, role)
    clip = clip_of(project, row, role)
    frames = project.reader.read(
        clip.path,
        [clip.plan.indices[place] for place in layout.shown],
        max_side=2 * max(layout.width, layout.height),
        timestamps=[clip.plan.timestamps[place] for place in layout.shown],
    )
    picture = Image.new("RGB", layout.size)
    for place, frame in enumerate(frames):
        down, across = divmod(place, layout.columns)
        tile = Image.fromarray(frame).resize((layout.width, layout.height), Image.Resampling.BILINEAR)
        picture.paste(tile, (across * layout.width, down * layout.height))
    jpeg = io.BytesIO()
    picture.save(jpeg, format="JPEG", quality=_QUALITY, optimize=True)
    return jpeg.getvalue()


def embedded_strip(project: Project, row: Row, role: Role) -> dict[str, str]:
    """The strip as a data URI under `src`, or why there is none under `lost`."""
    try:
        return {"src": "data:image/jpeg;base64," + base64.b64encode(draw_strip(project, row, role)).decode()}
    except UnreadableVideo as error:
        return {"lost": str(error)}


def strip_file(project: Project, row: Row, role: Role, folder: Path) -> dict[str, str]:
    """The strip as a file in `folder`, drawn once: its name says video and plan; `src` is relative to the page.

    Raises:
        LakeError: the file cannot be written.
    """
    path = folder / f"{row['video_id'][:32]}-{row[f'{role}_plan']}.jpg"
    if not path.exists():
        try:
            replace_file(path, draw_strip(project, row, role))
        except UnreadableVideo as error:
            return {"lost": str(error)}
    return {"src": f"{folder.name}/{path.name}"}
