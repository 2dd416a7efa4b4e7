"""Frames side by side in one picture, for people."""

import io
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

_CAPTION_PIXELS: Final = 14
_GAP_PIXELS: Final = 2
_BACKGROUND: Final = (24, 24, 24)


def film_strip(
    frames: NDArray[np.uint8], timestamps: Sequence[float], *, height: int = 96, max_frames: int = 8
) -> bytes:
    """PNG of at most `max_frames` of `frames` (T, H, W, 3), evenly chosen, each `height` pixels high under its time.

    `timestamps` are seconds, one a frame.
    """
    count = min(len(frames), max_frames)
    chosen = [(2 * position + 1) * len(frames) // (2 * count) for position in range(count)]
    source_height, source_width = frames.shape[1:3]
    width = max(24, round(source_width * height / source_height))
    strip = Image.new("RGB", (count * (width + _GAP_PIXELS) - _GAP_PIXELS, height + _CAPTION_PIXELS), _BACKGROUND)
    draw = ImageDraw.Draw(strip)
    for position, index in enumerate(chosen):
        left = position * (width + _GAP_PIXELS)
        picture = Image.fromarray(frames[index]).resize((width, height), Image.Resampling.BILINEAR)
        strip.paste(picture, (left, _CAPTION_PIXELS))
        draw.text((left + 2, 1), f"{timestamps[index]:.2f} s", fill=(235, 235, 235))
    png = io.BytesIO()
    strip.save(png, format="PNG", optimize=True)
    return png.getvalue()
