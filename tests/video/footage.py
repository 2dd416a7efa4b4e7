"""Videos whose frames carry their own number in big black and white blocks, which survive any encoder."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

_COLUMNS, _ROWS, _BLOCK = 4, 3, 32
WIDTH, HEIGHT = _COLUMNS * _BLOCK, _ROWS * _BLOCK


def numbered(number: int) -> NDArray[np.uint8]:
    """Picture (HEIGHT, WIDTH, 3) that shows `number` (12 bits) over a moving background."""
    bits = [(number >> bit) & 1 for bit in range(_COLUMNS * _ROWS)]
    blocks = np.array(bits, dtype=np.uint8).reshape(_ROWS, _COLUMNS) * 175 + 40
    picture = np.kron(blocks, np.ones((_BLOCK, _BLOCK), dtype=np.uint8))
    ripple = (np.add.outer(np.arange(HEIGHT) * 3, np.arange(WIDTH) * 5) + 7 * number) % 30
    return np.repeat((picture + ripple.astype(np.uint8))[..., None], 3, axis=2)


def number_in(picture: NDArray[np.uint8]) -> int:
    """The number that an upright picture of any size shows."""
    step = max(1, picture.shape[0] // 480)
    gray = picture[::step, ::step].mean(axis=2)
    height, width = gray.shape
    number = 0
    for bit in range(_COLUMNS * _ROWS):
        row, column = divmod(bit, _COLUMNS)
        top, left = height * row // _ROWS, width * column // _COLUMNS
        block = gray[top + height // 12 : top + height // 4, left + width // 16 : left + width * 3 // 16]
        number |= int(block.mean() > 140) << bit
    return number


def numbers_in(pictures: NDArray[np.uint8]) -> list[int]:
    """The numbers of a stack of pictures."""
    return [number_in(picture) for picture in pictures]


@dataclass(frozen=True)
class Footage:
    """How a file is encoded.

    Pictures show `first` and on; `size` is (width, height) of the upright picture. `times` are presentation times in
    milliseconds; without them, 30 frames a second, and `start` delays all of them, in frames or milliseconds.
    """

    name: str
    codec: str = "libx264"
    frames: int = 60
    first: int = 0
    options: dict[str, str] = field(default_factory=dict)
    pixel_format: str = "yuv420p"
    rotation: int = 0
    times: Sequence[int] | None = None
    start: int = 0
    size: tuple[int, int] = (WIDTH, HEIGHT)
    container_options: dict[str, str] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """Encode the file into `folder`."""
        path = folder / self.name
        with av.open(str(path), "w", options=self.container_options) as container:
            rate = 30 if self.times is None else 1000
            stream = container.add_stream(self.codec, rate=rate, options=self.options)
            stream.height, stream.width = self._picture(0).shape[:2]
            stream.pix_fmt = self.pixel_format
            if self.times is not None:
                stream.codec_context.time_base = Fraction(1, 1000)
            if self.rotation:
                stream.set_display_rotation(self.rotation)
            for number in range(self.frames):
                frame = av.VideoFrame.from_ndarray(self._picture(number), format="rgb24")
                frame.pts = (number if self.times is None else self.times[number]) + self.start
                frame.time_base = Fraction(1, rate)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        return path

    def _picture(self, number: int) -> NDArray[np.uint8]:
        upright = Image.fromarray(numbered(self.first + number)).resize(self.size, Image.Resampling.NEAREST)
        return np.ascontiguousarray(np.rot90(np.asarray(upright), -self.rotation // 90))


def cut_without_encoding(source: Path, target: Path, first: int) -> Path:
    """What `ffmpeg -ss T -i source -c copy target` makes: packets from the keyframe before, hidden by an edit list."""
    with av.open(str(source)) as reader, av.open(str(target), "w") as writer:
        stream = reader.streams.video[0]
        copied = writer.add_stream_from_template(stream)
        packets = [packet for packet in reader.demux(stream) if packet.size]
        shown = sorted(packet.pts for packet in packets)
        begin = shown[first]
        key = max(position for position, packet in enumerate(packets) if packet.is_keyframe and packet.pts <= begin)
        for packet in packets[key:]:
            packet.pts -= begin
            packet.dts -= begin
            packet.stream = copied
            writer.mux(packet)
    return target
