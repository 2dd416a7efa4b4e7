"""Write a scene as a real video file."""

import random
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, cast

import av
import numpy as np
from av.video.stream import VideoStream

from videopasta_assets.toyworld.render import render
from videopasta_assets.toyworld.scene import Scene

_ENCODERS: Final = {
    "h264": ("libx264", {"crf": "18", "preset": "veryfast", "x264-params": "log-level=none:threads=1"}),
    "hevc": ("libx265", {"crf": "20", "preset": "ultrafast", "x265-params": "log-level=none:pools=1"}),
    "vp9": ("libvpx-vp9", {"crf": "24", "b": "0", "deadline": "realtime", "cpu-used": "8"}),
}
_CHUNK: Final = 64


@dataclass(frozen=True)
class Encoding:
    """How a scene is filmed: pixels a side, frames a second, codec, key-frame distance in frames."""

    size: int
    fps: int
    codec: str
    gop: int


def sample_encoding(rng: random.Random) -> Encoding:
    """Mostly H.264; a few H.265 and VP9 files, so that readers meet them. Large pictures come at low rates."""
    size = rng.choice((96, 96, 112, 128, 160, 256))
    return Encoding(
        size=size,
        fps=rng.choice((8, 10, 12, 15, 24, 25, 30) if size <= 112 else (8, 10, 12)),
        codec=rng.choices(tuple(_ENCODERS), weights=(90, 5, 5))[0],
        gop=rng.choice((12, 48, 250)),
    )


def write_video(scene: Scene, encoding: Encoding, path: Path) -> None:
    """Encode the scene to `path` (an MP4 container). Same scene and encoding, same pixels."""
    name, options = _ENCODERS[encoding.codec]
    count = max(1, round(scene.duration * encoding.fps))
    with av.open(str(path), "w", format="mp4") as container:
        stream = cast(VideoStream, container.add_stream(name, rate=encoding.fps, options=options))
        stream.width = stream.height = encoding.size
        stream.pix_fmt = "yuv420p"
        stream.gop_size = encoding.gop
        stream.thread_count = 1
        stream.time_base = Fraction(1, encoding.fps)
        for start in range(0, count, _CHUNK):
            times = np.arange(start, min(count, start + _CHUNK)) / encoding.fps
            for picture in render(scene, times, encoding.size):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
