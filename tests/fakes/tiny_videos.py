"""Real MP4 files, small and quick to write: a square moves over a coloured ground, both decided by a seed."""

from pathlib import Path

import av
import numpy as np


def write_video(path: Path, seed: int, frames: int = 24, fps: int = 8, size: int = 64) -> Path:
    """Write an H.264 file of `frames` frames."""
    rng = np.random.default_rng(seed)
    ground, square = rng.integers(0, 255, (2, 3), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width = stream.height = size
        stream.pix_fmt = "yuv420p"
        for index in range(frames):
            image = np.broadcast_to(ground, (size, size, 3)).copy()
            left = index * (size - 12) // frames
            image[20:32, left : left + 12] = square
            for packet in stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path
