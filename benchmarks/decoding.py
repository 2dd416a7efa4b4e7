"""How fast planned frames come, against a plain FFmpeg decode of the same file and against decord.

    python benchmarks/decoding.py [--seconds 40] [--repeats 3]

Writes two H.264 files with B-frames (360p, a keyframe every 250 frames; 720p, every 60), and takes from each: 32 frames
spread evenly, one frame a second, and the first 128, scaled to a longer side of 336. "32 uniform snapped" are those of
`snap: keyframe`; the other methods then read the 32 frames that were asked for. Every method gets one decoding
thread, and runs are interleaved; the median of each counts, in frames per second of processor time, the worker process
and its hand-over included, so that other work on the machine does not blur the comparison. "raw" has no plan: it
decodes from the start to the last target and scales targets only. decord runs in this process, without our checks.

Then what a whole video costs the stage `sampled_videos`, dense and sparse plan in one pass or one after the other, and
what 32 frames cost that are read again: decoded again, or from JPEGs (quality 95, 4:4:4) on disk.
One JSON line a figure.
"""

import argparse
import io
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import av
import decord
import numpy as np
from PIL import Image

from videopasta_assets.video.plan import SamplingSpec, plan_frames
from videopasta_assets.video.probe import VideoInfo, probe
from videopasta_assets.video.pyav_reader import PyavReader, fitted_size
from videopasta_assets.video.worker import DecodeWorker, IsolatedReader, probe_safely

MAX_SIDE = 336
Indices = tuple[int, ...]
Method = Callable[[VideoInfo, Indices], object]


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
    """Measure, print a table, and a JSON line a figure."""
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
        again: list[dict[str, float]] = []
        whole: list[dict[str, float]] = []
        for width, height, group in ((640, 360, 250), (1280, 720, 60)):
            path = root / f"{height}p.mp4"
            write_video(path, width, height, group, options.seconds)
            info = probe(path, [root])
            isolated.read(path, [0])  # the worker starts and indexes outside the measurement, as `probe` did here
            for work, (asked, snapped) in _work(info).items():
                ours = {"planned", "isolated"}
                calls = {
                    name: partial(method, info, snapped if name in ours else asked) for name, method in methods.items()
                }
                seconds = _medians(calls, options.repeats, worker)
                rates[f"{height}p {work}"] = {name: len(asked) / taken for name, taken in seconds.items()}
            uniform = _work(info)["32 uniform"][0]
            again.append(_read_again(root / f"{height}p", isolated, info, uniform, options.repeats, worker))
            whole.append(_whole_video(root, isolated, info, options.repeats, worker))
        worker.close()
    print(f"{'frames/CPU-s':28}" + "".join(f"{name:>10}" for name in methods))
    for work, by_method in rates.items():
        print(f"{work:28}" + "".join(f"{by_method[name]:10.1f}" for name in methods))
    groups = {
        "contiguous": [row for work, row in rates.items() if "first" in work],
        "snapped": [row for work, row in rates.items() if "snapped" in work],
        "spread": [row for work, row in rates.items() if "first" not in work and "snapped" not in work],
    }
    for name, kind, against, goal in (
        ("contiguous frames against raw decode", "contiguous", "raw", 1.0),
        ("contiguous frames against decord", "contiguous", "decord", 0.95),
        ("spread frames against raw decode", "spread", "raw", 1.0),
        ("spread frames against decord", "spread", "decord", 1.25),
        ("frames snapped to keyframes against decord", "snapped", "decord", 8.0),
    ):
        _print(f"decoding: {name}", "frames/CPU-s", groups[kind], "isolated", against, goal)
    per_second = [{name: 1 / seconds for name, seconds in row.items()} for row in whole]
    _print("decoding: videos sampled, in one pass against two reads", "videos/CPU-s", per_second, "one", "two", None)
    per_second = [{name: 32 / seconds for name, seconds in row.items()} for row in again]
    _print(
        "decoding: 32 frames read again, as JPEGs against decoding", "frames/CPU-s", per_second, "jpeg", "decode", None
    )


def _work(info: VideoInfo) -> dict[str, tuple[Indices, Indices]]:
    """Frames that are asked for, and those that our plan has."""
    uniform, snapped, sparse = (
        plan_frames(info, spec, "dense").indices
        for spec in (
            SamplingSpec(value=32),
            SamplingSpec(value=32, snap="keyframe"),
            SamplingSpec("fps", 1, max_frames=512),
        )
    )
    first = tuple(range(128))
    return {
        "32 uniform": (uniform, uniform),
        "1 a second": (sparse, sparse),
        "32 uniform snapped": (uniform, snapped),
        "first 128": (first, first),
    }


def _read_again(
    folder: Path, reader: IsolatedReader, info: VideoInfo, indices: Indices, repeats: int, worker: DecodeWorker
) -> dict[str, float]:
    """Processor seconds to read frames a second time."""
    folder.mkdir()
    for number, frame in zip(indices, reader.read(info.path, indices, max_side=MAX_SIDE), strict=True):
        Image.fromarray(frame).save(folder / f"{number}.jpg", quality=95, subsampling=0)

    def from_jpegs() -> object:
        files = (folder / f"{number}.jpg" for number in indices)
        return np.stack([np.asarray(Image.open(io.BytesIO(file.read_bytes()))) for file in files])

    calls = {"jpeg": from_jpegs, "decode": lambda: reader.read(info.path, indices, max_side=MAX_SIDE)}
    return _medians(calls, repeats, worker)


def _whole_video(
    root: Path, reader: IsolatedReader, info: VideoInfo, repeats: int, worker: DecodeWorker
) -> dict[str, float]:
    """Processor seconds to identify, index and read the dense and sparse frames of a video that is new."""
    dense, sparse = (plan_frames(info, SamplingSpec(value=count), "dense").indices for count in (32, 1))

    def new() -> Path:
        info.path.touch()  # another state of the file: nothing is remembered of it
        probe_safely(info.path, [root], worker=worker)
        return info.path

    def one() -> object:
        return reader.read(new(), sorted({*dense, *sparse}))

    def two() -> object:
        path = new()
        return reader.read(path, dense), reader.read(path, sparse)

    return _medians({"one": one, "two": two}, repeats, worker)


def _medians(calls: Mapping[str, Callable[[], object]], repeats: int, worker: DecodeWorker) -> dict[str, float]:
    """Median processor seconds of each call; the calls take turns."""
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(repeats):
        for name, call in calls.items():
            start = _processor_seconds(worker)
            call()
            taken[name].append(_processor_seconds(worker) - start)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def _processor_seconds(worker: DecodeWorker) -> float:
    """Of this process and the worker, so far; nanosecond counters of Linux."""
    if worker.process_id is None:
        return time.process_time()
    threads = Path(f"/proc/{worker.process_id}/task").glob("*/schedstat")
    return time.process_time() + sum(int(thread.read_text().split()[0]) for thread in threads) / 1e9


def _print(
    name: str, unit: str, rows: Sequence[Mapping[str, float]], ours: str, against: str, goal: float | None
) -> None:
    figure, baseline = (statistics.geometric_mean(row[method] for row in rows) for method in (ours, against))
    line = {
        "name": name,
        "figure": round(figure, 1),
        "unit": unit,
        "baseline": round(baseline, 1),
        "ratio": round(figure / baseline, 2),
        "goal": goal,
    }
    print(json.dumps(line))


if __name__ == "__main__":
    main()
