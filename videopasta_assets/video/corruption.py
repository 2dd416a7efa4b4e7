"""Frames made worse on purpose, in memory: what TimeWarp-Implicit's rejected answers are written from.

Source: TimeWarp (arXiv 2510.03955) section 3.2 after STIC: a clip is either reduced to a shorter side of 20 pixels, or
its colours are jittered (brightness 0.5, hue 0.3). The frames that come in are never written to.
"""

from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance

from videopasta_assets.errors import UserError


@dataclass(frozen=True)
class Corruption:
    """One corruption, the same for all frames of a clip.

    Attributes:
        kind: `resize` or `colour`.
        shorter_side: resize: pixels that the shorter side is reduced to. The frames are then enlarged to their own size
            again, so that a model spends as many tokens on them as on the clean ones.
        brightness: colour: factor, 1 leaves it alone.
        hue: colour: turn of the hue, in [-0.5, 0.5] of the whole circle.
    """

    kind: Literal["resize", "colour"]
    shorter_side: int = 0
    brightness: float = 1.0
    hue: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what would corrupt nothing or cannot be done.

        Raises:
            UserError: a number that is out of range.
        """
        if self.kind == "resize" and self.shorter_side < 1:
            raise UserError(f"frames cannot be reduced to {self.shorter_side} pixels", fix="Use 1 or more.")
        if not (self.brightness >= 0 and -0.5 <= self.hue <= 0.5):
            raise UserError("brightness must be 0 or more, and hue between -0.5 and 0.5")

    @classmethod
    def resize(cls, shorter_side: int) -> Self:
        """Detail goes, colours stay."""
        return cls("resize", shorter_side=shorter_side)

    @classmethod
    def colour(cls, brightness: float, hue: float) -> Self:
        """Colours go, detail stays."""
        return cls("colour", brightness=brightness, hue=hue)

    @property
    def identity(self) -> str:
        """Which corruption it is, for people and for keys."""
        if self.kind == "resize":
            return f"resize:{self.shorter_side}"
        return f"colour:{self.brightness:.6f}:{self.hue:.6f}"


def corrupted(frames: NDArray[np.uint8], corruption: Corruption) -> NDArray[np.uint8]:
    """New frames of the same shape, (T, H, W, 3) uint8 RGB."""
    change = _reduced if corruption.kind == "resize" else _recoloured
    return np.stack([np.asarray(change(Image.fromarray(frame), corruption), dtype=np.uint8) for frame in frames])


def _reduced(frame: Image.Image, corruption: Corruption) -> Image.Image:
    scale = corruption.shorter_side / min(frame.size)
    if scale >= 1:
        return frame
    small = (max(1, round(frame.width * scale)), max(1, round(frame.height * scale)))
    return frame.resize(small, Image.Resampling.BILINEAR).resize(frame.size, Image.Resampling.BILINEAR)


def _recoloured(frame: Image.Image, corruption: Corruption) -> Image.Image:
    bright = ImageEnhance.Brightness(frame).enhance(corruption.brightness)
    hue, saturation, value = bright.convert("HSV").split()
    turned = (np.asarray(hue, dtype=np.int16) + round(corruption.hue * 256)) % 256
    return Image.merge("HSV", (Image.fromarray(turned.astype(np.uint8)), saturation, value)).convert("RGB")
