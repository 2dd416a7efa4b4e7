"""Pictures of a scene at any size: RGB arrays, and the per-cell labels that the vision tower learns from.

Everything is drawn from normalised coordinates with analytic anti-aliasing, so 48 px frames for training and 256 px
frames for a file show the same picture.
"""

from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from videopasta_assets.toyworld.scene import COLOURS, HOP_SLOTS, SETTINGS, SHAPES, SIZES, Scene, Thing

RGB: Final = {
    "red": (222, 38, 38),
    "green": (36, 178, 60),
    "blue": (46, 84, 235),
    "yellow": (245, 222, 40),
    "purple": (186, 62, 205),
}
RADIUS: Final = {"small": 0.085, "medium": 0.125, "large": 0.17}
RIM: Final = 0.022
HALO: Final = 0.06
MARK_CENTRE: Final = (0.9, 0.09)
MARK_RADIUS: Final = 0.065
MARK_SLOTS: Final = 1.4

Frames = NDArray[np.uint8]
COLOUR_LABELS: Final = slice(0, 5)
FLASH_LABELS: Final = slice(5, 10)
HIDDEN_LABELS: Final = slice(10, 15)
SIZE_LABELS: Final = slice(15, 30)
SHAPE_LABELS: Final = slice(30, 45)
SETTING_LABELS: Final = slice(45, 49)
MARK_LABELS: Final = slice(49, 54)
LABELS_PER_CELL: Final = 54
"""Columns of `cell_labels`: of each colour whether it is there, flashes, is partly hidden, which of three sizes and of
three shapes it has; the setting; the mark's colour."""


def render(scene: Scene, times: NDArray[np.float64], size: int) -> Frames:
    """Frames at `times` (seconds): uint8 of shape (len(times), size, size, 3)."""
    frames = np.empty((len(times), size, size, 3), np.float32)
    ordered = sorted(scene.things, key=lambda thing: RADIUS[thing.size])
    for index, time in enumerate(times):
        frame = frames[index]
        frame[:] = _background(scene.setting(float(time)), size, scene.look % 4)
        for thing in ordered:
            centre = position(scene, thing, float(time))
            if centre is not None:
                flashing = thing.flash <= time < thing.flash + scene.slot
                _draw(frame, centre, RADIUS[thing.size], thing.shape, RGB[thing.colour], flashing)
        if scene.mark is not None and time < MARK_SLOTS * scene.slot:
            _draw(frame, MARK_CENTRE, MARK_RADIUS, "diamond", RGB[scene.mark], False, rim=(255, 255, 255))
    return np.asarray(np.clip(frames + 0.5, 0, 255), np.uint8)


def position(scene: Scene, thing: Thing, time: float) -> tuple[float, float] | None:
    """Centre (x, y) in 0..1, or None when the thing is not in the picture."""
    if not thing.present(time):
        return None
    hop = HOP_SLOTS * scene.slot
    x, y = _anchor(scene, thing, thing.place(time), time)
    for jump in thing.jumps:
        if jump.start < time < jump.start + hop:
            x0, y0 = _anchor(scene, thing, thing.place(jump.start), time)
            share = (time - jump.start) / hop
            x, y = x0 + (x - x0) * share, y0 + (y - y0) * share - 0.1 * np.sin(np.pi * share)
    for start, end in thing.spans:
        edge = -0.2 if x < 0.5 else 1.2
        if start > 0 and start <= time < start + hop:
            x = edge + (x - edge) * (time - start) / hop
        if end - hop < time < end:
            x = x + (edge - x) * (time - end + hop) / hop
    wobble = 2 * np.pi * (time / scene.duration * 3 + (scene.look % 97) / 97 + COLOURS.index(thing.colour) / 5)
    return float(x + 0.012 * np.sin(wobble)), float(y + 0.012 * np.cos(wobble))


def _anchor(scene: Scene, thing: Thing, place: tuple[int, int], time: float) -> tuple[float, float]:
    """Cell centre; the farther of two things in one cell peeks out from behind the closer one."""
    row, column = place
    x, y = (column + 0.5) / 3, (row + 0.5) / 3
    for other in scene.things:
        closer = other.colour != thing.colour and RADIUS[other.size] > RADIUS[thing.size]
        if closer and other.present(time) and other.place(time) == place:
            side = 1.0 if x < 0.5 or (column == 1 and scene.look % 2) else -1.0
            return x + side * RADIUS[other.size] * 0.85, y - 0.35 * RADIUS[other.size] * (1 if row else -1)
    return x, y


@lru_cache(maxsize=64)
def _background(setting: str, size: int, look: int) -> NDArray[np.float32]:
    grid = (np.arange(size, dtype=np.float32) + 0.5) / size
    y, x = np.meshgrid(grid, grid, indexing="ij")
    shift = 0.11 * look
    if setting == "night":
        base, tone = (14, 16, 44), 26 * (np.cos(18 * (x + shift)) * np.cos(18 * (y + 2 * shift)) > 0.72)
        colour = np.stack([base[0] + tone, base[1] + tone, base[2] + tone], -1)
    elif setting == "desert":
        tone = 16 * np.sin(16 * (x + y * 0.6 + shift))
        colour = np.stack([206 + tone, 160 + tone, 104 + tone * 0.5], -1)
    elif setting == "snow":
        tone = 9 * np.sin(20 * (y + shift))
        colour = np.stack([224 + tone, 236 + tone * 0.6, 246 + tone * 0.2], -1)
    else:
        tone = 22 * ((np.cos(22 * (x + shift)) > 0.75) | (np.cos(22 * (y + shift)) > 0.75))
        colour = np.stack([112 - tone, 116 - tone, 120 - tone], -1)
    return np.asarray(colour, np.float32)


def _draw(
    frame: NDArray[np.float32],
    centre: tuple[float, float],
    radius: float,
    shape: str,
    rgb: tuple[int, int, int],
    flashing: bool,
    rim: tuple[int, int, int] = (12, 12, 12),
) -> None:
    size = frame.shape[0]
    reach = radius * 1.25 + HALO + 2 * RIM
    left, right = (max(0, int((centre[0] - reach) * size)), min(size, int((centre[0] + reach) * size) + 2))
    top, bottom = (max(0, int((centre[1] - reach) * size)), min(size, int((centre[1] + reach) * size) + 2))
    if left >= right or top >= bottom:
        return
    x = (np.arange(left, right, dtype=np.float32) + 0.5) / size - centre[0]
    y = (np.arange(top, bottom, dtype=np.float32) + 0.5) / size - centre[1]
    distance = _distance(shape, x[None, :], y[:, None], radius)
    patch = frame[top:bottom, left:right]
    layers: list[tuple[float, tuple[int, int, int]]] = [(RIM, rim), (0.0, rgb)]
    if flashing:
        layers = [(HALO + 2 * RIM, rim), (HALO + RIM, (255, 255, 255)), *layers]
    for margin, colour in layers:
        cover = np.clip((margin - distance) * size + 0.5, 0, 1)[..., None]
        patch += cover * (np.asarray(colour, np.float32) - patch)


def _distance(shape: str, x: NDArray[np.float32], y: NDArray[np.float32], radius: float) -> NDArray[np.float32]:
    """Signed distance (negative inside) to a shape of about equal area for equal radius."""
    if shape == "circle":
        return np.asarray(np.hypot(x, y) - radius)
    if shape == "square":
        return np.asarray(np.maximum(np.abs(x), np.abs(y)) - radius * 0.88)
    if shape == "diamond":
        return np.asarray((np.abs(x) + np.abs(y)) * 0.7071 - radius * 0.7071)
    side = np.abs(x) * 0.894 - y * 0.447
    return np.asarray(np.maximum(side - radius * 0.62, y - radius * 0.75))


def cell_labels(scene: Scene, times: NDArray[np.float64]) -> NDArray[np.float32]:
    """What each cell shows in each pair of frames: 0 or 1, of shape (T / 2, 9, LABELS_PER_CELL)."""
    steps = len(times) // 2
    labels = np.zeros((steps, 9, LABELS_PER_CELL), np.float32)
    for index, time in enumerate(times[: steps * 2]):
        row = labels[index // 2]
        row[:, SETTING_LABELS.start + SETTINGS.index(scene.setting(float(time)))] = 1
        if scene.mark is not None and time < MARK_SLOTS * scene.slot:
            row[2, MARK_LABELS.start + COLOURS.index(scene.mark)] = 1
        shown: dict[tuple[int, int], list[Thing]] = {}
        for thing in scene.things:
            centre = position(scene, thing, float(time))
            if centre is not None and 0 < centre[0] < 1 and 0 < centre[1] < 1:
                shown.setdefault(thing.place(float(time)), []).append(thing)
        for place, things in shown.items():
            cell = row[place[0] * 3 + place[1]]
            front = max(things, key=lambda thing: RADIUS[thing.size])
            for thing in things:
                colour = COLOURS.index(thing.colour)
                cell[COLOUR_LABELS.start + colour] = 1
                cell[FLASH_LABELS.start + colour] += thing.flash <= time < thing.flash + scene.slot
                cell[HIDDEN_LABELS.start + colour] += thing is not front
                cell[SIZE_LABELS.start + 3 * colour + SIZES.index(thing.size)] = 1
                cell[SHAPE_LABELS.start + 3 * colour + SHAPES.index(thing.shape)] = 1
    return np.minimum(labels, 1)


def midpoints(duration: float, count: int) -> NDArray[np.float64]:
    """`count` segment midpoints in seconds."""
    return (np.arange(count) + 0.5) * duration / count
