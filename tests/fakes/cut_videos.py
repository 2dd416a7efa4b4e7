"""Real MP4 files with hard cuts: each scene a plain ground of its own, with a square that moves."""

from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np

GROUNDS = ((200, 30, 30), (30, 200, 30), (30, 30, 200), (200, 200, 30))


def write_cut_video(path: Path, seconds: Sequence[float], fps: int = 8, size: int = 64, seed: int = 0) -> Path:
    """Write an H.264 file with a scene of each length."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width = stream.height = size
        stream.pix_fmt = "yuv420p"
        for scene, length in enumerate(seconds):
            for index in range(round(length * fps)):
                image = np.broadcast_to(
                    np.array(GROUNDS[(scene + seed) % len(GROUNDS)], dtype=np.uint8), (size, size, 3)
                ).copy()
                image[20:32, index : index + 12] = 255 - 7 * seed
                for packet in stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")):
                    container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    return path
