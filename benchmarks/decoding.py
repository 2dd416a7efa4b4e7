"""How fast planned frames come, against a plain FFmpeg decode of the same file and against decord.

    python benchmarks/decoding.py [--seconds 40] [--repeats 3]

Writes two H.264 files with B-frames (360p, a keyframe every 250 frames; 720p, every 60), and takes from each: 32 frames
spread evenly, one frame a second, and the first 128, scaled to a longer side of 336. Every method gets one decoding
thread, and runs are interleaved; the best of each counts, in frames per second of processor time, the worker process
and its hand-over included, so that other work on the machine does not blur the comparison. "raw" has no plan: it
decodes from the start to the last target and scales targets only. decord runs in this process, without our checks.
"""

import argparse
import json
import math
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import av
import decord
import numpy as np

from videopasta_assets.video.plan import SamplingSpec, plan_frames
from videopasta_assets.video.probe import VideoInfo, probe
from videopasta_assets.video.pyav_reader import PyavReader, fitted_size
from videopasta_assets.video.worker import DecodeWorker, IsolatedReader

MAX_SIDE = 336
Method = Callable[[VideoInfo, Sequence[int]], object]


def write_video(path: Path, width: int, height: int, group: int, seconds: float) -> None:
    """Textures that move at different speeds, with some noise: about as hard to code as hand-held footage."""
    random = np.random.default_rng(0)
    texture = random.integers(0, 256, (height // 8 + 64, width // 8 + 512, 3), dtype=np.uint8)
    back = np.kron(texture, np.ones((8, 8, 1), dtype=np.uint8))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"preset": "veryfast", "g": str(group), "bf": "3"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(round(seconds * 30)):
            picture = back[number % 256 : number % 256 + height, 2 * number : 2 * number + width].copy()
            top, left = height // 4, (5 * number) % (width // 2)
            picture[top : top + height // 2, left : left + width // 3] = back[:1, number % 64 : number % 64 + 1]
            noise = random.integers(0, 12, (height, width, 1), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture // 2 + noise, format="rgb24")))
        container.mux(stream.encode(None))


def raw(info: VideoInfo, indices: Sequence[int]) -> object:
    """FFmpeg's libraries alone: decode from the start, scale the targets, stop after the last."""
    width, height = fitted_size(info.width, info.height, MAX_SIDE)
    wanted, frames = set(indices), []
    with av.open(str(info.path)) as container:
        context = container.streams.video[0].codec_context
        context.thread_count, context.thread_type = 1, "NONE"
        for number, frame in enumerate(container.decode(video=0)):
            if number in wanted:
                frames.append(frame.to_ndarray(format="rgb24", width=width, height=height, interpolation="AREA"))
                if len(frames) == len(wanted):
                    break
    return np.stack(frames)


def by_decord(info: VideoInfo, indices: Sequence[int]) -> object:
    """decord's own batch call, scaling as it decodes."""
    width, height = fitted_size(info.width, info.height, MAX_SIDE)
    video = decord.VideoReader(str(info.path), num_threads=1, width=width, height=height)
    return video.get_batch(list(indices)).asnumpy()


def main() -> None:
    """Measure, print a table, and end with one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        worker = DecodeWorker()
        planned = PyavReader([root])
        isolated = IsolatedReader("pyav", [root], worker=worker)
        methods: dict[str, Method] = {
            "raw": raw,
            "decord": by_decord,
            "planned": lambda info, indices: planned.read(info.path, indices, max_side=MAX_SIDE),
            "isolated": lambda info, indices: isolated.read(info.path, indices, max_side=MAX_SIDE),
        }
        rates: dict[str, dict[str, float]] = {}
        for width, height, group in ((640, 360, 250), (1280, 720, 60)):
            path = root / f"{height}p.mp4"
            write_video(path, width, height, group, options.seconds)
            info = probe(path, [root])
            isolated.read(path, [0])  # the worker starts and indexes outside the measurement, as `probe` did here
            for work, indices in _work(info).items():
                rates[f"{height}p {work}"] = _rates(methods, info, indices, options.repeats, worker)
        worker.close()
    print(f"{'frames/CPU-s':24}" + "".join(f"{name:>10}" for name in methods))
    for work, by_method in rates.items():
        print(f"{work:24}" + "".join(f"{by_method[name]:10.1f}" for name in methods))
    spread = [by_method for work, by_method in rates.items() if "first" not in work]
    together = [by_method for work, by_method in rates.items() if "first" in work]
    for name, rows, against, goal in (
        ("contiguous frames against decord", together, "decord", 0.95),
        ("spread frames against raw decode", spread, "raw", 1.0),
        ("spread frames against decord", spread, "decord", 1.25),
    ):
        print(json.dumps(_line(name, rows, against, goal)))


def _work(info: VideoInfo) -> dict[str, tuple[int, ...]]:
    uniform = plan_frames(info, SamplingSpec(value=32), "dense").indices
    sparse = plan_frames(info, SamplingSpec("fps", 1, max_frames=512), "sparse").indices
    return {"32 uniform": uniform, "1 a second": sparse, "first 128": tuple(range(128))}


def _rates(
    methods: dict[str, Method], info: VideoInfo, indices: Sequence[int], repeats: int, worker: DecodeWorker
) -> dict[str, float]:
    best = dict.fromkeys(methods, math.inf)
    for _ in range(repeats):
        for name, method in methods.items():
            start = _processor_seconds(worker)
            method(info, indices)
            best[name] = min(best[name], _processor_seconds(worker) - start)
    return {name: len(indices) / seconds for name, seconds in best.items()}


def _processor_seconds(worker: DecodeWorker) -> float:
    """Of this process and the worker, so far; nanosecond counters of Linux."""
    if worker.process_id is None:
        return time.process_time()
    threads = Path(f"/proc/{worker.process_id}/task").glob("*/schedstat")
    return time.process_time() + sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def _line(name: str, rows: list[dict[str, float]], against: str, goal: float) -> dict[str, object]:
    ours, theirs = (statistics.geometric_mean(row[method] for row in rows) for method in ("isolated", against))
    return {
        "name": f"decoding: {name}",
        "figure": round(ours, 1),
        "unit": "frames/CPU-s",
        "baseline": round(theirs, 1),
        "ratio": round(ours / theirs, 2),
        "goal": goal,
    }


if __name__ == "__main__":
    main()
